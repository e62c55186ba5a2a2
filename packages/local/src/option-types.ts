import { type OptionType, type OptionTypes, option } from '@gatecast/framework/adapter';
import type { StartGatewayOptions } from './dev/start-gateway.js';
import type { GatewayOptions } from './gateway/open-gateway.js';
import type { FunctionOptions } from './lambda/function-options.js';

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

const debugAddress: OptionType = {
  takes: 'a port from 0 to 65,535, or host:port',
  fits: (value) => /^(?:[\w.-]+:|\[[\da-f:.]+\]:)?\d{1,5}$/i.test(String(value)) && hasPort(value),
};

function hasPort(address: unknown): boolean {
  return Number(/\d+$/.exec(String(address))?.[0]) <= 65_535;
}

/** The options of `openGateway`. */
export const gatewayOptionTypes: OptionTypes<GatewayOptions> = {
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
  control: option.flag,
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

/** The options of a function. Memory and the number of environments have the limits of Lambda. */
export const functionOptionTypes: OptionTypes<FunctionOptions> = {
  entry: option.text,
  handler: option.text,
  environment: option.object,
  permissions: option.object,
  timeoutMs: option.milliseconds(1),
  memoryMb: option.integer(128, 10_240),
  maxEnvironments: option.integer(1, 1_000),
  quiet: option.flag,
  inspect: debugAddress,
};

/** The options of `startGateway`. */
export const startOptionTypes: OptionTypes<StartGatewayOptions> = {
  ...gatewayOptionTypes,
  ...functionOptionTypes,
  functions: option.object,
  routes: {
    takes: 'a list of routes, or a manifest',
    fits: (value) => Array.isArray(value) || option.object.fits(value),
  },
  authorizer: option.object,
  tables: option.list,
  dataDirectory: option.text,
  watch: option.flag,
  onReload: option.callback,
};
