import type { Access } from './access/access.js';
import type { TokenBucket } from './access/token-bucket.js';
import type { Clock } from './clock.js';
import type { ServedDeployment } from './deployment.js';
import type { GatewayEvent, Traffic } from './events.js';
import type { Extension } from './extension.js';
import type { Faults } from './faults.js';
import type { RouteSelector } from './routes/route-selection.js';
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
  /** The reason in `$disconnect` if the TCP connection ended without a close frame (row 1.28). */
  readonly droppedReason: string;
  /** Whether messages of one connection wait for each other (row 5.11). */
  readonly isSerial: boolean;
  /** Whether web pages of other machines are refused. */
  readonly localPagesOnly: boolean;
  /** Whether a ping counts as activity (row 5.19). */
  readonly pingsCount: boolean;
  /** Reports an event that has just been handled. */
  readonly report: (event: Omit<GatewayEvent, 'durationMs'>, traffic?: Traffic) => void;
  extension: Extension | undefined;
  deployment: ServedDeployment | undefined;
  /** Whether the gateway is being closed: it accepts no more connections. */
  isStopping: boolean;
  /** Whether it is closed: it reports nothing more. */
  isClosed: boolean;
}
