import type { Connection } from './connection.js';

/** How long a connection may be without a message in either direction, in milliseconds (row 5.20). */
const IDLE_TIMEOUT_MS = 10 * 60_000;
/** How long a connection may last, in milliseconds (row 5.21). */
const MAX_DURATION_MS = 2 * 3_600_000;

/** The connections of one API. Each stays until its `$disconnect` has been handled. */
export class Connections {
  readonly #entries = new Map<string, { connection: Connection; finished: Promise<void> }>();
  #generation = 0;

  /** Counts how often all connections were closed, so that handshakes in progress are closed as well. */
  get generation(): number {
    return this.#generation;
  }

  /** The connection with that id, as long as it can receive messages. */
  get(connectionId: string): Connection | undefined {
    const connection = this.#entries.get(connectionId)?.connection;
    return connection?.isOpen ? connection : undefined;
  }

  /** The connections that can receive messages, oldest first. */
  get open(): readonly Connection[] {
    return [...this.#entries.values()]
      .map(({ connection }) => connection)
      .filter(({ isOpen }) => isOpen);
  }

  /** Adds a connection until `finished` resolves. */
  add(connection: Connection, finished: Promise<void>): void {
    const { connectionId } = connection.details;
    this.#entries.set(connectionId, { connection, finished });
    void finished.then(() => this.#entries.delete(connectionId));
  }

  /** Closes connections that were idle or open for too long (rows 5.20, 5.21). */
  closeExpired(now: number): void {
    for (const { connection } of this.#entries.values()) {
      const { details, lastActiveAt } = connection;
      if (now - lastActiveAt >= IDLE_TIMEOUT_MS || now - details.connectedAt >= MAX_DURATION_MS) {
        connection.close(1001, 'Going away');
      }
    }
  }

  /** Closes all connections and waits until all are finished. */
  async closeAll(): Promise<void> {
    this.#generation++;
    const entries = [...this.#entries.values()];
    for (const { connection } of entries) connection.close(1001, 'Going away');
    await Promise.all(entries.map(({ finished }) => finished));
  }
}
