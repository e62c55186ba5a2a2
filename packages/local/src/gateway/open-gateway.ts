import { checkOptions } from '@gatecast/framework/adapter';
import { Journal } from '../dev/control/journal.js';
import type { ControlledFunctions } from '../dev/control/state.js';
import { gatewayOptionTypes } from '../option-types.js';
import { harmless } from '../unexpected.js';
import type { ApiKeySelectionExpression } from './access/access.js';
import { Credentials } from './access/credentials.js';
import { type Throttle, TokenBucket } from './access/token-bucket.js';
import type { Api } from './api.js';
import { Clock } from './clock.js';
import { checkDeployment, type Deployment } from './deployment.js';
import type { GatewayEvent } from './events.js';
import { Faults } from './faults.js';
import { apiPath } from './http/base-path.js';
import { localCertificate } from './http/certificate.js';
import { hostOfApi } from './http/execute-api-host.js';
import { hostInUrl } from './http/local-host.js';
import { openPort } from './http/port.js';
import { answerRequest } from './http/requests.js';
import { routeSelector } from './routes/route-selection.js';
import { Acceptor } from './websocket/acceptor.js';
import { Connections } from './websocket/connections.js';
import { answerHandshake } from './websocket/handshake.js';

/** Options of {@link openGateway}. */
export interface GatewayOptions {
  /** The port to listen on; 0 chooses a free one. @default 0 */
  readonly port?: number | undefined;
  /** The address to listen on. @default both addresses of `localhost`: 127.0.0.1 and ::1 */
  readonly host?: string | undefined;
  /** Name of the API's stage, the first part of the path. @default 'dev' */
  readonly stage?: string | undefined;
  /**
   * Base path of a custom domain that is mapped to the API: clients connect to `wss://HOST/BASEPATH`
   * and functions post there, without the stage. An empty string maps the whole domain.
   *
   * @default none: the API is at its own domain, with the stage in the path
   */
  readonly basePath?: string | undefined;
  /** Id of the API in events. @default 'local00000' */
  readonly apiId?: string | undefined;
  /** Region in ARNs. @default 'us-east-1' */
  readonly region?: string | undefined;
  /** Account in ARNs. @default '123456789012' */
  readonly accountId?: string | undefined;
  /**
   * Selects the route key: a path in the message, or text with such paths.
   * @default '$request.body.action'
   */
  readonly routeSelectionExpression?: string | undefined;
  /** Stage variables in events. @default none */
  readonly stageVariables?: Readonly<Record<string, string>> | undefined;
  /** The API keys that a route with `apiKeyRequired` accepts. @default none */
  readonly apiKeys?: readonly string[] | undefined;
  /** Where a client's API key is. @default '$request.header.x-api-key' */
  readonly apiKeySelectionExpression?: ApiKeySelectionExpression | undefined;
  /**
   * The limit of the account for handshakes, messages and requests to `@connections` together. The
   * default quota of AWS is a rate of 10,000 and a burst of 5,000 (Amazon API Gateway quotas).
   *
   * @default unlimited
   */
  readonly accountThrottle?: Throttle | undefined;
  /** A folder of files to serve in addition to the API, with `index.html` at `/`. @default none */
  readonly staticDirectory?: string | undefined;
  /**
   * Serve the control API under `/@gatecast/`, with a page that shows the traffic; without
   * `staticDirectory` the page is also at `/`. Then everyone who can reach the port under the names
   * `localhost`, `127.0.0.1` or `[::1]` may read the last 200 events with their bodies, post to
   * connections and close them.
   *
   * @default false
   */
  readonly control?: boolean | undefined;
  /**
   * Whether to refuse handshakes of web pages that are not of this machine, and everything that is asked
   * for under a name that is not of this machine. Without it, any page that you open can connect, as on
   * AWS. Clients that are not pages send no `Origin` and are accepted.
   *
   * @default false; true in `gatecast dev`
   */
  readonly localPagesOnly?: boolean | undefined;
  /**
   * How long the gateway waits for a function, in milliseconds, 50 to 29,000.
   * @default 29_000, the longest that API Gateway allows (Amazon API Gateway quotas)
   */
  readonly integrationTimeoutMs?: number | undefined;
  /**
   * Negotiate permessage-deflate. Frames are then measured compressed, so the 32 KB limit is hard to
   * test.
   *
   * @default false
   */
  readonly compression?: boolean | undefined;
  /**
   * Handle the messages of a connection one after the other. AWS does not promise an order; according to
   * one report, API Gateway works this way (row 5.11).
   *
   * @default false
   */
  readonly serial?: boolean | undefined;
  /**
   * Whether a ping of the client resets the idle time-out. It is not known whether it does on AWS (row
   * 5.19). @default false
   */
  readonly pingsResetIdle?: boolean | undefined;
  /** The reason in `$disconnect` with 1006, for a connection that broke (row 1.28). @default '' */
  readonly droppedReason?: string | undefined;
  /** Seed for the probability of faults, so that a run can be repeated. @default 1 */
  readonly seed?: number | undefined;
  /** The time source of `clock`, in milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Called once for each event, after it has been handled. If it throws, the error is printed. */
  readonly onEvent?: ((event: GatewayEvent) => void) | undefined;
}

/** A local API Gateway that is listening. */
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

/** How long `close` waits for `$disconnect`, in milliseconds. */
const CLOSE_GRACE_MS = 10_000;

/** How often the gateway looks for expired connections, in milliseconds. */
const SWEEP_MS = 1_000;

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
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN or ERR_OPTION_VALUE for a wrong option.
 * @throws Error - if the port is not available, or the route selection expression, the base path or the
 * throttle is invalid.
 */
export async function openGateway(options: GatewayOptions = {}): Promise<Gateway> {
  checkOptions('openGateway()', options, gatewayOptionTypes);
  return openGatewayBefore(undefined, options);
}

/** Like `openGateway`, with functions that the control API can access. @internal */
export async function openGatewayBefore(
  functions: ControlledFunctions | undefined,
  options: GatewayOptions,
): Promise<Gateway> {
  const { stage = 'dev', basePath, staticDirectory } = options;
  const onEvent = harmless('onEvent', options.onEvent ?? (() => {}));
  const clock = new Clock(options.now);
  const { now } = clock;
  const path = apiPath(stage, basePath);
  const accountThrottle =
    options.accountThrottle && new TokenBucket(options.accountThrottle, 'accountThrottle');
  const selectRoute = routeSelector(options.routeSelectionExpression ?? '$request.body.action');
  const certificate = await localCertificate();
  const { apiId = 'local00000' } = options;
  const port = await openPort({
    host: options.host,
    port: options.port ?? 0,
    certificate,
    isOwnName: (name) => hostOfApi(apiId, name) !== undefined,
  });
  const domainName = `${hostInUrl(options.host)}:${port.number}`;
  const connections = new Connections();
  const credentials = new Credentials();
  const journal = options.control === true ? new Journal() : undefined;
  let isClosed = false;
  const api: Api = {
    details: {
      apiId,
      stage,
      region: options.region ?? 'us-east-1',
      accountId: options.accountId ?? '123456789012',
      domainName,
      stageVariables: options.stageVariables,
      lowerCaseHeaders: path.lastIndexOf('/') > 0,
    },
    path,
    hasCustomDomain: basePath !== undefined,
    access: {
      credentials,
      apiKeys: new Set(options.apiKeys),
      apiKeySelectionExpression: options.apiKeySelectionExpression ?? '$request.header.x-api-key',
    },
    accountThrottle,
    integrationTimeoutMs: options.integrationTimeoutMs ?? 29_000,
    selectRoute,
    connections,
    now,
    clock,
    faults: new Faults(options.seed ?? 1),
    droppedReason: options.droppedReason ?? '',
    isSerial: options.serial ?? false,
    localPagesOnly: options.localPagesOnly ?? false,
    pingsCount: options.pingsResetIdle ?? false,
    report: (event, traffic) => {
      if (isClosed) return;
      const dealtWith = { ...event, durationMs: now() - event.time };
      onEvent(dealtWith);
      journal?.record({ ...dealtWith, ...traffic });
    },
    journal,
    deployment: undefined,
    isStopping: false,
  };
  const handshakes = new Set<Promise<void>>();
  const acceptor = new Acceptor({ compression: options.compression ?? false });
  port.serve({
    request: (request, response) =>
      void answerRequest(api, { credentials, staticDirectory, functions }, { request, response }),
    upgrade(request, socket, head) {
      const answered = answerHandshake(api, acceptor, { request, socket, head });
      handshakes.add(answered);
      void answered.then(() => handshakes.delete(answered));
    },
  });

  const sweep = () => {
    connections.closeExpired(now());
    stopSweeping = clock.after(SWEEP_MS, sweep);
  };
  let stopSweeping = clock.after(SWEEP_MS, sweep);

  const closeAndFinish = async () => {
    await Promise.all([connections.closeAll(), ...handshakes]);
    // Those whose handshake was accepted meanwhile.
    await connections.closeAll();
  };
  const shutDown = async () => {
    stopSweeping();
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise((resolve) => {
      timer = setTimeout(resolve, CLOSE_GRACE_MS);
    });
    api.isStopping = true;
    await Promise.race([closeAndFinish(), grace]);
    clearTimeout(timer);
    isClosed = true;
    await port.close();
  };
  let closed: Promise<void> | undefined;
  const close = () => {
    closed ??= shutDown();
    return closed;
  };
  return {
    port: port.number,
    url: `ws://${domainName}${path}`,
    endpoint: `http://${domainName}${path}`,
    certificate: certificate.authority,
    credentials,
    clock,
    faults: api.faults,
    use(deployment) {
      api.deployment = checkDeployment(deployment);
    },
    closeAllConnections: () => connections.closeAll(),
    close,
    [Symbol.asyncDispose]: close,
  };
}
