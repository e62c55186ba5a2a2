import { type OptionType, type OptionTypes, option } from '@gatecast/framework/adapter';
import type { ApiKeySelectionExpression } from './access/access.js';
import type { Throttle } from './access/token-bucket.js';
import type { GatewayEvent } from './events.js';

/** Options of a gateway. */
export interface ApiOptions {
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

/** How long API Gateway waits for an integration (Amazon API Gateway quotas). */
export const integrationTimeout: OptionType = option.milliseconds(50, 29_000);

const string: OptionType = {
  takes: 'a string',
  fits: (value) => typeof value === 'string',
};

const stageName: OptionType = {
  takes: 'up to 128 letters, digits, "-" and "_"',
  fits: (value) => typeof value === 'string' && /^[\w-]{1,128}$/.test(value),
};

/** The values that each of the options takes. */
export const apiOptionTypes: OptionTypes<ApiOptions> = {
  port: option.integer(0, 65_535),
  host: option.text,
  stage: stageName,
  basePath: string,
  apiId: option.text,
  region: option.text,
  accountId: option.text,
  routeSelectionExpression: option.text,
  stageVariables: option.object,
  apiKeys: option.list,
  apiKeySelectionExpression: option.text,
  accountThrottle: option.object,
  staticDirectory: option.text,
  localPagesOnly: option.flag,
  integrationTimeoutMs: integrationTimeout,
  compression: option.flag,
  serial: option.flag,
  pingsResetIdle: option.flag,
  droppedReason: string,
  seed: option.integer(0, 2 ** 32 - 1),
  now: option.callback,
  onEvent: option.callback,
};
