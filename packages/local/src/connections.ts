import type { Connection } from './connection.js';

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

  /** Keeps the connection until `finished` settles. */
  add(connection: Connection, finished: Promise<void>): void {
    const { connectionId } = connection.facts;
    this.#entries.set(connectionId, { connection, finished });
    void finished.then(() => this.#entries.delete(connectionId));
  }

  /** Closes all of them and waits until all are finished. */
  async closeAll(): Promise<void> {
    this.#generation++;
    const entries = [...this.#entries.values()];
    for (const { connection } of entries) connection.close(1001, 'Going away');
    await Promise.all(entries.map(({ finished }) => finished));
  }
}
