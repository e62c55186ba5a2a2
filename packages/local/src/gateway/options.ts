import {
  checkOptions,
  type OptionType,
  type OptionTypes,
  option,
} from '@gatecast/framework/adapter';
import type { ApiKeySelectionExpression } from './access/access.js';
import type { Throttle } from './access/throttling.js';
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
  /** @default {} */
  readonly quirks?: Quirks | undefined;
  /** Seed for the probability of faults, so that a run can be repeated. @default 1 */
  readonly seed?: number | undefined;
  /** The time source of `clock`, in milliseconds since the epoch. @default Date.now */
  readonly now?: (() => number) | undefined;
  /** Called once for each event, after it has been handled. If it throws, the error is printed. */
  readonly onEvent?: ((event: GatewayEvent) => void) | undefined;
}

/**
 * Behaviour of API Gateway that is not known for certain, or that gets in the way on a laptop.
 *
 * @group A gateway of your own
 */
export interface Quirks {
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
  /**
   * Negotiate permessage-deflate (row 3.13). Frames are then measured compressed, so the 32 KB limit is
   * hard to test.
   *
   * @default false
   */
  readonly compression?: boolean | undefined;
  /**
   * Whether `$disconnect` events have the stage variables (row 1.32). No event from AWS is known that has
   * them, and none of a stage that has some.
   *
   * @default false
   */
  readonly stageVariablesInDisconnect?: boolean | undefined;
  /**
   * What a client gets instead of an answer of more than 128 KB: the frame `Internal server error`, or the
   * close code 1009 (row 5.27).
   *
   * @default 'error'
   */
  readonly largeAnswers?: 'error' | 'close' | undefined;
  /** Whether an answer with `isBase64Encoded` is decoded (row 5.28). @default false: it is sent as it is */
  readonly decodeAnswers?: boolean | undefined;
  /**
   * What a client gets of a post that is not UTF-8: its bytes, which most clients answer by closing the
   * connection with 1007, or text with U+FFFD for what is wrong (row 6.23).
   *
   * @default 'unchanged'
   */
  readonly invalidPosts?: 'unchanged' | 'replaced' | undefined;
  /**
   * What happens if the function or the service behind a `$connect` without a proxy fails, and an
   * integration response matches the failure: the client is refused, or let in (row 8.18).
   *
   * @default 'refuse'
   */
  readonly failedConnects?: 'refuse' | 'accept' | undefined;
  /**
   * How large all header values of a handshake may be together, in bytes, up to 32,768. REST APIs take
   * 10,240; for WebSocket APIs no quota is documented (row 7.21).
   *
   * @default 10_240
   */
  readonly maxHeaderBytes?: number | undefined;
}

/** Defaults that functions see, too. */
export const apiDefaults: Readonly<Record<'apiId' | 'stage' | 'region' | 'accountId', string>> = {
  apiId: 'local00000',
  stage: 'dev',
  region: 'us-east-1',
  accountId: '123456789012',
};

/** How long API Gateway waits for an integration (Amazon API Gateway quotas). */
export const integrationTimeout: OptionType = option.milliseconds(50, 29_000);

const string: OptionType = {
  takes: 'a string',
  fits: (value) => typeof value === 'string',
};

/** Empty if the whole domain is mapped to the API (API mappings). */
const basePath: OptionType = {
  takes: `a path of up to 300 letters, digits and $-_.+!*'(), with single slashes only between them`,
  fits: (value) =>
    typeof value === 'string' &&
    value.length <= 300 &&
    /^(?:[\w$.+!*'()-]+(?:\/[\w$.+!*'()-]+)*)?$/.test(value),
};

const stageName: OptionType = {
  takes: 'up to 128 letters, digits, "-" and "_"',
  fits: (value) => typeof value === 'string' && /^[\w-]{1,128}$/.test(value),
};

/**
 * Names and values as API Gateway takes them (API reference of stages); how many and how long they may be
 * (quotas of HTTP APIs, which have the same stages).
 */
const stageVariables: OptionType = {
  takes:
    'up to 100 stage variables: names of up to 64 letters, digits and "_", and values of 1 to 512 ' +
    'letters, digits and -._~:/?#&=,',
  fits: (value) =>
    option.object.fits(value) &&
    Object.keys(value as object).length <= 100 &&
    Object.entries(value as object).every(
      ([name, text]) =>
        /^\w{1,64}$/.test(name) &&
        typeof text === 'string' &&
        /^[\w\-.~:/?#&=,]{1,512}$/.test(text),
    ),
};

/** How long an API key is (API Gateway API key file format). */
const apiKeys: OptionType = {
  takes: 'a list of API keys of 20 to 128 characters',
  fits: (value) =>
    Array.isArray(value) &&
    value.every((key) => typeof key === 'string' && key.length >= 20 && key.length <= 128),
};

/** The values that each of the options takes. */
export const apiOptionTypes: OptionTypes<ApiOptions> = {
  port: option.integer(0, 65_535),
  host: option.text,
  stage: stageName,
  basePath,
  apiId: option.text,
  region: option.text,
  accountId: option.text,
  routeSelectionExpression: option.text,
  stageVariables,
  apiKeys,
  apiKeySelectionExpression: option.text,
  accountThrottle: option.object,
  staticDirectory: option.text,
  localPagesOnly: option.flag,
  integrationTimeoutMs: integrationTimeout,
  quirks: option.object,
  seed: option.integer(0, 2 ** 32 - 1),
  now: option.callback,
  onEvent: option.callback,
};

const quirkTypes: OptionTypes<Quirks> = {
  serial: option.flag,
  pingsResetIdle: option.flag,
  droppedReason: string,
  compression: option.flag,
  stageVariablesInDisconnect: option.flag,
  largeAnswers: option.oneOf('error', 'close'),
  decodeAnswers: option.flag,
  invalidPosts: option.oneOf('unchanged', 'replaced'),
  failedConnects: option.oneOf('refuse', 'accept'),
  maxHeaderBytes: option.integer(1, 32_768),
};

/** @throws ConfigurationError for an unknown quirk or a wrong value. */
export function checkQuirks(where: string, { quirks = {} }: ApiOptions): void {
  checkOptions(`The option "quirks" of ${where}`, quirks, quirkTypes);
}
