import { hostOfApi } from '../execute-api-host.js';
import { Credentials } from './access/credentials.js';
import { callerWith } from './access/gateway-role.js';
import type { Api, Extension } from './api.js';
import type { Clock } from './clock.js';
import { checkDeployment, type Deployment, rolesOf } from './deployment.js';
import type { Faults } from './faults.js';
import { localCertificate } from './http/certificate.js';
import { hostInUrl } from './http/local-host.js';
import { openPort, type Port } from './http/port.js';
import { answerRequest } from './http/requests.js';
import { prepareApi } from './make-api.js';
import { type ApiOptions, apiDefaults } from './options.js';
import { Acceptor } from './websocket/acceptor.js';
import { answerHandshake } from './websocket/handshake.js';

/** A local API Gateway that is listening. @group A gateway of your own */
export interface Gateway extends AsyncDisposable {
  /** The port it listens on. */
  readonly port: number;
  /**
   * The URL for clients: `ws://localhost:PORT/STAGE`, with the host if that is another machine's address,
   * or the base path instead of the stage. `wss` works on the same port.
   */
  readonly url: string;
  /** The endpoint for posts of functions: `url` with `http`. `https` works on the same port. */
  readonly endpoint: string;
  /** The certificate authority in PEM. Trust it with `NODE_EXTRA_CA_CERTS`. */
  readonly certificate: string;
  /** The access keys that may call the `@connections` API and sign handshakes. */
  readonly credentials: Credentials;
  /** The gateway's clock. Move it forward to let connections reach their time-outs (rows 5.20, 5.21). */
  readonly clock: Clock;
  /** The faults to simulate. */
  readonly faults: Faults;
  /**
   * Sets or replaces the functions and routes behind the API. Running invocations continue; connections
   * stay open, and their next messages go to the new functions. Until the first call, the gateway refuses
   * connections with 403, like a stage without a deployment (row 3.16). So you can pass the endpoint, the
   * certificate and an access key to a function before it starts.
   *
   * @throws Error - if two routes have the same key, a key is reserved, an identity source, an
   * integration, a template or a model is invalid, or a route has an option that API Gateway would
   * refuse.
   */
  use(deployment: Deployment): void;
  /**
   * Closes every connection with 1001 and waits for the resulting `$disconnect` events. The gateway keeps
   * running.
   */
  closeAllConnections(): Promise<void>;
  /**
   * Accepts no more connections, closes every one like `closeAllConnections`, but waits at most 10
   * seconds, and then frees the port. Events that have not ended by then are not reported.
   */
  close(): Promise<void>;
}

/** A gateway that can be closed sooner. */
export interface StoppableGateway extends Gateway {
  /** Like `close`, but waits at most so many milliseconds for `$disconnect`. */
  closeWithin(graceMs: number): Promise<void>;
}

/** How long `close` waits for events that are running, in milliseconds. */
export const CLOSE_GRACE_MS = 10_000;

/** How often the gateway looks for expired connections, in milliseconds. */
const SWEEP_MS = 1_000;

/** What an API may have from whoever opens it. */
export interface ApiParts {
  /** Makes the extension. @default none */
  readonly extend?: ((api: Api) => Extension) | undefined;
  /** Access keys that other APIs accept, too. @default its own */
  readonly credentials?: Credentials | undefined;
}

/**
 * Opens a gateway for one WebSocket API. It refuses every connection until `use` is called.
 *
 * @throws Error if the port is not available, or the route selection expression or the throttle is
 * invalid.
 */
export async function openApi(
  options: ApiOptions,
  { extend, credentials = new Credentials() }: ApiParts = {},
): Promise<StoppableGateway> {
  // Before the port is opened, because it throws if an option is wrong.
  const makeApi = prepareApi(options, credentials);
  const certificate = await localCertificate();
  const { host, port: wanted = 0, apiId = apiDefaults.apiId } = options;
  const isOwnName = (name: string): boolean => hostOfApi(apiId, name) !== undefined;
  const port = await openPort({ host, port: wanted, certificate, isOwnName });
  const api = makeApi(`${hostInUrl(host)}:${port.number}`);
  api.extension = extend?.(api);
  const handshakes = serve(port, api, options);
  const stopSweeping = sweep(api);
  const shutDown = async (graceMs: number) => {
    stopSweeping();
    await finish(api, handshakes, graceMs);
    await port.close();
  };
  let closed: Promise<void> | undefined;
  const closeWithin = (graceMs: number) => {
    closed ??= shutDown(graceMs);
    return closed;
  };
  const close = () => closeWithin(CLOSE_GRACE_MS);
  const address = `${api.details.domainName}${api.path}`;
  return {
    port: port.number,
    url: `ws://${address}`,
    endpoint: `http://${address}`,
    certificate: certificate.authority,
    credentials: api.access.credentials,
    clock: api.clock,
    faults: api.faults,
    use(deployment) {
      api.deployment = checkDeployment(deployment);
      const { permissions } = api.access.credentials;
      for (const role of rolesOf(deployment)) permissions.add(callerWith(role));
    },
    closeAllConnections: () => api.connections.closeAll(),
    close,
    closeWithin,
    [Symbol.asyncDispose]: close,
  };
}

/** Answers everything that arrives at the port. Returns the handshakes in progress. */
function serve(
  port: Port,
  api: Api,
  { staticDirectory, quirks: { compression = false } = {} }: ApiOptions,
): ReadonlySet<Promise<void>> {
  const handshakes = new Set<Promise<void>>();
  const acceptor = new Acceptor({ compression });
  port.serve({
    request: (request, response) => void answerRequest(api, staticDirectory, { request, response }),
    upgrade(request, socket, head) {
      const answered = answerHandshake(api, acceptor, { request, socket, head });
      handshakes.add(answered);
      void answered.then(() => handshakes.delete(answered));
    },
  });
  return handshakes;
}

/** Closes expired connections, until the returned function is called. */
function sweep({ clock, connections }: Api): () => void {
  const next = () => {
    connections.closeExpired(clock.now());
    stop = clock.after(SWEEP_MS, next);
  };
  let stop = clock.after(SWEEP_MS, next);
  return () => stop();
}

/** Closes all connections and waits a limited time for their events. Later ones are not reported. */
async function finish(
  api: Api,
  handshakes: ReadonlySet<Promise<void>>,
  graceMs: number,
): Promise<void> {
  const closeAndWait = async () => {
    await Promise.all([api.connections.closeAll(), ...handshakes]);
    // Those whose handshake was accepted meanwhile.
    await api.connections.closeAll();
  };
  let timer: NodeJS.Timeout | undefined;
  const grace = new Promise((resolve) => {
    timer = setTimeout(resolve, graceMs);
  });
  api.isStopping = true;
  await Promise.race([closeAndWait(), grace]);
  clearTimeout(timer);
  api.isClosed = true;
}
