import type { Access } from './access/access.js';
import type { TokenBucket } from './access/throttling.js';
import type { Clock } from './clock.js';
import type { ServedDeployment } from './deployment.js';
import type { GatewayEvent, PostEvent, Traffic } from './events.js';
import type { Faults } from './faults.js';
import type { Exchange } from './http/answer.js';
import type { Quirks } from './options.js';
import type { RouteSelector } from './routes/select.js';
import type { Connections } from './websocket/connections.js';

/** The description of the API in events. */
export interface ApiDetails {
  readonly apiId: string;
  readonly stage: string;
  readonly region: string;
  readonly accountId: string;
  /**
   * Host and port, so that `https://${domainName}/${stage}` reaches the `@connections` API. In events it is
   * what the client asked for (row 0.9).
   */
  readonly domainName: string;
  readonly stageVariables: Readonly<Record<string, string>> | undefined;
  /** Whether the base path of the custom domain has more than one level (row 1.6). */
  readonly lowerCaseHeaders: boolean;
}

/** The API of a gateway, as the gateway's parts use it. */
export interface Api {
  readonly details: ApiDetails;
  /** Path of the API on its host: `/dev`, or empty if a whole custom domain is mapped to it. */
  readonly path: string;
  readonly hasCustomDomain: boolean;
  readonly access: Access;
  readonly accountThrottle: TokenBucket | undefined;
  readonly integrationTimeoutMs: number;
  readonly selectRoute: RouteSelector;
  readonly connections: Connections;
  readonly now: () => number;
  readonly clock: Clock;
  readonly faults: Faults;
  /** Whether web pages of other machines are refused. */
  readonly localPagesOnly: boolean;
  readonly quirks: Quirks;
  /** Reports an event that has just been handled. */
  readonly report: (event: Omit<GatewayEvent, 'durationMs'>, traffic?: Traffic) => void;
  extension: Extension | undefined;
  deployment: ServedDeployment | undefined;
  /** Whether the gateway is being closed: it accepts no more connections. */
  isStopping: boolean;
  /** Whether it is closed: it reports nothing more. */
  isClosed: boolean;
}

/** Something besides API Gateway at the same port, which sees the traffic, such as the control API. */
export interface Extension {
  /** It answers requests whose paths begin with this, and those for `/` that nothing else answers. */
  readonly path: string;
  answer(pathname: string, exchange: Exchange): Promise<void>;
  /** Called after each event. Returns the event as it is reported. */
  onEvent(event: GatewayEvent, traffic: Traffic): GatewayEvent;
  /** Called after each answered post to `@connections`. */
  onPost(post: PostEvent): void;
}
