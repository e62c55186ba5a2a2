import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';

/** The network between a page and the gateway, which can be lost. */
export class Network implements AsyncDisposable {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** How many connections it has had. */
  connections = 0;
  #isLost = false;

  private constructor(port: number) {
    this.#server = createServer((client) => {
      this.#add(client);
      if (this.#isLost) {
        client.resetAndDestroy();
        return;
      }
      this.connections += 1;
      const gateway = this.#add(connect(port, 'localhost'));
      client.pipe(gateway).pipe(client);
      client.once('close', () => gateway.destroy());
      gateway.once('close', () => client.destroy());
    });
  }

  /** @param port Where the gateway listens. */
  static async to(port: number): Promise<Network> {
    const network = new Network(port);
    network.#server.listen(0, 'localhost');
    await once(network.#server, 'listening');
    return network;
  }

  /** Where a page finds the gateway. */
  get host(): string {
    return `localhost:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Ends all connections, and refuses new ones until it is back. */
  lose(): void {
    this.#isLost = true;
    this.cut();
  }

  restore(): void {
    this.#isLost = false;
  }

  /** Ends all connections. */
  cut(): void {
    for (const socket of this.#sockets) socket.resetAndDestroy();
  }

  /** From now on nothing more arrives over the connections that there are, and nobody is told. */
  swallow(): void {
    for (const socket of this.#sockets) {
      socket.unpipe();
      socket.resume();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.close();
    this.cut();
    await once(this.#server, 'close');
  }

  #add(socket: Socket): Socket {
    this.#sockets.add(socket);
    // A connection that ends is what is tested.
    socket.on('error', () => {});
    socket.once('close', () => this.#sockets.delete(socket));
    return socket;
  }
}
