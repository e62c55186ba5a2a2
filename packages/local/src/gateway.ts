import { Acceptor } from './acceptor.js';
import type { Api } from './api.js';
import { localCertificate } from './certificate.js';
import { Connections } from './connections.js';
import { Credentials } from './credentials.js';
import { checkDeployment, type Deployment } from './deployment.js';
import type { GatewayEvent } from './gateway-event.js';
import { answerHandshake } from './handshake.js';
import { openPort } from './port.js';
import { answerRequest } from './requests.js';
import { routeSelector } from './route-selection.js';

/** Options of {@link openGateway}. */
export interface GatewayOptions {
  /** The port to listen on; 0 takes a free one. @default 0 */
  readonly port?: number | undefined;
  /** The address to listen on. @default '127.0.0.1' */
  readonly host?: string | undefined;
  /** Name of the API's stage: first part of the path. @default 'dev' */
  readonly stage?: string | undefined;
  /** Id of the API, as events name it. @default 'local00000' */
  readonly apiId?: string | undefined;
  /** Region, as ARNs name it. @default 'us-east-1' */
  readonly region?: string | undefined;
  /** Account, as ARNs name it. @default '123456789012' */
  readonly accountId?: string | undefined;
  /**
   * What is compared with the route keys: a path in the message, or text with such paths.
   * @default '$request.body.action'
   */
  readonly routeSelectionExpression?: string | undefined;
  /** Variables of the stage, as events carry them. @default none */
  readonly stageVariables?: Readonly<Record<string, string>> | undefined;
  /** A folder of files to serve beside the API, `index.html` at `/`. @default none */
  readonly staticDirectory?: string | undefined;
  /**
   * How long the gateway waits for a function, in milliseconds.
   * @default 29_000, the longest that API Gateway allows (Amazon API Gateway quotas)
   */
  readonly integrationTimeoutMs?: number | undefined;
  /**
   * Negotiate permessage-deflate. Frame sizes then are those on the wire, so the 32 KB limit is
   * hard to see.
   *
   * @default false
   */
  readonly compression?: boolean | undefined;
  /** The clock, in milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Called once for each event, after it has been dealt with. Must not throw. */
  readonly onEvent?: ((event: GatewayEvent) => void) | undefined;
}

/** A local API Gateway that is listening. */
export interface Gateway extends AsyncDisposable {
  /** The port it listens on. */
  readonly port: number;
  /** Where clients connect: `ws://localhost:PORT/STAGE`. `wss` works on the same port. */
  readonly url: string;
  /** Where functions post: `http://localhost:PORT/STAGE`. `https` works on the same port. */
  readonly endpoint: string;
  /** The certificate authority in PEM, to be trusted through `NODE_EXTRA_CA_CERTS`. */
  readonly certificate: string;
  /** The access keys that may call the `@connections` API. */
  readonly credentials: Credentials;
  /**
   * Puts functions and routes behind the API, or new ones in the place of those before. Invocations
   * that are running go on; connections stay open and send their next message to the new function.
   * Until the first call the gateway refuses connections with 403, as a stage without a deployment
   * does (row 3.16), so a function may be told the endpoint, the certificate and its access key
   * before it starts.
   *
   * @throws Error - when two routes have one key, a key is reserved, or an identity source, an
   * integration, a template or a model cannot be understood.
   */
  use(deployment: Deployment): void;
  /**
   * Closes every connection with 1001 and waits for the `$disconnect` events this brings. The
   * gateway goes on.
   */
  closeAllConnections(): Promise<void>;
  /**
   * Closes every connection as `closeAllConnections` does, but waits 2 seconds at most; then frees
   * the port.
   */
  close(): Promise<void>;
}

/** How long `close` waits for `$disconnect`, in milliseconds. */
const CLOSE_GRACE_MS = 2_000;

/**
 * Opens a local API Gateway for one WebSocket API. It refuses every connection until `use` is
 * called.
 *
 * @example
 * ```ts
 * await using gateway = await openGateway({ port: 3001 });
 * gateway.use({ handler: { invoke }, routes: [{ routeKey: '$default', twoWay: true }] });
 * ```
 *
 * @throws Error - when the port cannot be had, or the route selection expression cannot be read.
 */
export async function openGateway(options: GatewayOptions = {}): Promise<Gateway> {
  const { stage = 'dev', now = Date.now, onEvent, staticDirectory } = options;
  const selectRoute = routeSelector(options.routeSelectionExpression ?? '$request.body.action');
  const certificate = await localCertificate();
  const port = await openPort({
    host: options.host ?? '127.0.0.1',
    port: options.port ?? 0,
    certificate,
  });
  const domainName = `localhost:${port.number}`;
  const connections = new Connections();
  const credentials = new Credentials();
  const api: Api = {
    facts: {
      apiId: options.apiId ?? 'local00000',
      stage,
      region: options.region ?? 'us-east-1',
      accountId: options.accountId ?? '123456789012',
      domainName,
      stageVariables: options.stageVariables,
    },
    integrationTimeoutMs: options.integrationTimeoutMs ?? 29_000,
    selectRoute,
    connections,
    now,
    report: (event) => onEvent?.({ ...event, durationMs: now() - event.time }),
    deployment: undefined,
  };
  const acceptor = new Acceptor({ compression: options.compression ?? false });
  port.serve({
    request: (request, response) =>
      void answerRequest(api, { credentials, staticDirectory }, { request, response }),
    upgrade: (request, socket, head) =>
      void answerHandshake(api, acceptor, { request, socket, head }),
  });

  const shutDown = async () => {
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise((resolve) => {
      timer = setTimeout(resolve, CLOSE_GRACE_MS);
    });
    await Promise.race([connections.closeAll(), grace]);
    clearTimeout(timer);
    await port.close();
  };
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= shutDown();
    return closed;
  };
  return {
    port: port.number,
    url: `ws://${domainName}/${stage}`,
    endpoint: `http://${domainName}/${stage}`,
    certificate: certificate.authority,
    credentials,
    use(deployment) {
      api.deployment = checkDeployment(deployment);
    },
    closeAllConnections: () => connections.closeAll(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
