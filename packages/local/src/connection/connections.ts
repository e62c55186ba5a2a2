import type { Connection } from './connection.js';

/** How long a connection may be without a message in either direction, in milliseconds (row 5.20). */
const IDLE_TIMEOUT_MS = 10 * 60_000;
/** How long a connection may last, in milliseconds (row 5.21). */
const MAX_DURATION_MS = 2 * 3_600_000;

/** The connections of one API, each until its `$disconnect` has been dealt with. */
export class Connections {
  readonly #entries = new Map<string, { connection: Connection; finished: Promise<void> }>();
  #generation = 0;

  /** How often all were closed: a handshake that spans such a moment is closed as well. */
  get generation(): number {
    return this.#generation;
  }

  /** The connection of that id while messages can be sent to it. */
  get(connectionId: string): Connection | undefined {
    const connection = this.#entries.get(connectionId)?.connection;
    return connection?.isOpen ? connection : undefined;
  }

  /** Those to which messages can be sent, the oldest first. */
  get open(): readonly Connection[] {
    return [...this.#entries.values()]
      .map(({ connection }) => connection)
      .filter(({ isOpen }) => isOpen);
  }

  /** Keeps the connection until `finished` settles. */
  add(connection: Connection, finished: Promise<void>): void {
    const { connectionId } = connection.facts;
    this.#entries.set(connectionId, { connection, finished });
    void finished.then(() => this.#entries.delete(connectionId));
  }

  /** Closes those that were idle or open for too long (rows 5.20, 5.21). */
  closeExpired(now: number): void {
    for (const { connection } of this.#entries.values()) {
      const { facts, lastActiveAt } = connection;
      if (now - lastActiveAt >= IDLE_TIMEOUT_MS || now - facts.connectedAt >= MAX_DURATION_MS) {
        connection.close(1001, 'Going away');
      }
    }
  }

  /** Closes all of them and waits until all are finished. */
  async closeAll(): Promise<void> {
    this.#generation++;
    const entries = [...this.#entries.values()];
    for (const { connection } of entries) connection.close(1001, 'Going away');
    await Promise.all(entries.map(({ finished }) => finished));
  }
}
