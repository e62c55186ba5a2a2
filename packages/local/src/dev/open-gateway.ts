import { checkOptions, type OptionTypes, option } from '@gatecast/framework/adapter';
import type { Credentials } from '../gateway/access/credentials.js';
import type { Api } from '../gateway/api.js';
import { type Gateway, openApi, type StoppableGateway } from '../gateway/open-gateway.js';
import { type ApiOptions, apiOptionTypes, checkQuirks } from '../gateway/options.js';
import { controlApi } from './control/control-api.js';
import type { ControlledFunctions } from './control/state.js';

/** Options of {@link openGateway}. @group A gateway of your own */
export interface GatewayOptions extends ApiOptions {
  /**
   * Serve the control API under `/@gatecast/`, with a page that shows the traffic; without
   * `staticDirectory` the page is also at `/`. Then everyone who can reach the port under the names
   * `localhost`, `127.0.0.1` or `[::1]` may read the last 200 events with their bodies, post to
   * connections and close them.
   *
   * @default false
   */
  readonly control?: boolean | undefined;
}

/** The values that each option of `openGateway` takes. */
export const gatewayOptionTypes: OptionTypes<GatewayOptions> = {
  ...apiOptionTypes,
  control: option.flag,
};

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
 * @throws Error - if the port is not available, or the route selection expression or the throttle is
 * invalid.
 * @group A gateway of your own
 */
export async function openGateway(options: GatewayOptions = {}): Promise<Gateway> {
  checkOptions('openGateway()', options, gatewayOptionTypes);
  checkQuirks('openGateway()', options);
  return openGatewayOf(options);
}

/** What a gateway with functions has beside its options. */
interface GatewayParts {
  /** Functions that the control API can access. */
  readonly functions: ControlledFunctions;
  readonly credentials: Credentials;
}

/** Like `openGateway`, for options that have been checked. */
export function openGatewayOf(
  options: GatewayOptions,
  { functions, credentials }: Partial<GatewayParts> = {},
): Promise<StoppableGateway> {
  const { control = false } = options;
  const extend = control ? (api: Api) => controlApi(api, functions) : undefined;
  return openApi(options, { extend, credentials });
}
