import type { Access } from './access/access.js';
import type { TokenBucket } from './access/token-bucket.js';
import type { Clock } from './clock.js';
import type { Connections } from './connection/connections.js';
import type { Journal, Traffic } from './control/journal.js';
import type { ServedDeployment } from './deployment.js';
import type { Faults } from './faults.js';
import type { GatewayEvent } from './gateway-event.js';
import type { RouteSelector } from './integration/route-selection.js';

/** What events say about the API. */
export interface ApiFacts {
  readonly apiId: string;
  readonly stage: string;
  readonly region: string;
  readonly accountId: string;
  /** Host and port, so that `https://${domainName}/${stage}` reaches the `@connections` API. */
  readonly domainName: string;
  readonly stageVariables: Readonly<Record<string, string>> | undefined;
  /** The base path of the custom domain has more than one level (row 1.6). */
  readonly lowerCaseHeaders: boolean;
}

/** The API that a gateway serves, as its parts need to know it. */
export interface Api {
  readonly facts: ApiFacts;
  /** Where it is on its host: `/dev`; empty when a whole custom domain is mapped to it. */
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
  /** What `$disconnect` is told when the TCP connection ended without a close frame (row 1.28). */
  readonly droppedReason: string;
  /** Messages of one connection wait for each other (row 5.11). */
  readonly isSerial: boolean;
  /** A ping counts as activity (row 5.19). */
  readonly pingsCount: boolean;
  /** Reports an event that has just been dealt with. */
  readonly report: (event: Omit<GatewayEvent, 'durationMs'>, traffic?: Traffic) => void;
  /** What passes, kept while somebody may look at it. */
  readonly journal: Journal | undefined;
  deployment: ServedDeployment | undefined;
}
