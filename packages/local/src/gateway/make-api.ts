import { harmless } from '../unexpected.js';
import type { Credentials } from './access/credentials.js';
import { TokenBucket } from './access/throttling.js';
import type { Api } from './api.js';
import { Clock } from './clock.js';
import { Faults } from './faults.js';
import { type ApiOptions, apiDefaults } from './options.js';
import { routeSelector } from './routes/select.js';
import { Connections } from './websocket/connections.js';

/**
 * Checks the options, and returns what makes the API as soon as its host and port are known.
 *
 * @throws Error if the route selection expression or the throttle is invalid.
 */
export function prepareApi(
  options: ApiOptions,
  credentials: Credentials,
): (domainName: string) => Api {
  const { stage = apiDefaults.stage, basePath, accountThrottle: throttle } = options;
  const { routeSelectionExpression = '$request.body.action' } = options;
  const path = apiPath(stage, basePath);
  const accountThrottle = throttle && new TokenBucket(throttle, 'accountThrottle');
  const selectRoute = routeSelector(routeSelectionExpression);
  const clock = new Clock(options.now);
  const onEvent = harmless('onEvent', options.onEvent ?? (() => {}));
  return (domainName) => {
    const api: Api = {
      details: {
        apiId: options.apiId ?? apiDefaults.apiId,
        stage,
        region: options.region ?? apiDefaults.region,
        accountId: options.accountId ?? apiDefaults.accountId,
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
      connections: new Connections(),
      now: clock.now,
      clock,
      faults: new Faults(options.seed ?? 1),
      localPagesOnly: options.localPagesOnly ?? false,
      quirks: options.quirks ?? {},
      report(event, traffic = {}) {
        if (api.isClosed) return;
        const reported = { ...event, durationMs: clock.now() - event.time };
        onEvent(api.extension?.onEvent(reported, traffic) ?? reported);
      },
      extension: undefined,
      deployment: undefined,
      isStopping: false,
      isClosed: false,
    };
    return api;
  };
}

/**
 * The path of the API on its host: the stage, or the base path of a custom domain; empty if the whole
 * domain is mapped to the API.
 */
function apiPath(stage: string, basePath = stage): string {
  return basePath && `/${basePath}`;
}
