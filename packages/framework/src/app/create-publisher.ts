import { checkLog, type HistoryByPattern, historyByPattern } from '../channel/history.js';
import type { Publishing } from '../channel/publishing.js';
import type { StageAddress } from '../deliver/apigw/endpoint.js';
import { Stages } from '../deliver/stage.js';
import { checkOptions, type OptionType, option } from '../errors/check-options.js';
import { tracedFrom } from '../errors/gatecast-error.js';
import { composePlugins } from '../invocation/hooks.js';
import { Invocation, type PublishCore } from '../invocation/invocation.js';
import type { AnyPlugin } from '../invocation/plugin.js';
import { ChannelOfServer } from '../publish/publish.js';
import { checkStore, storeOption } from '../store/check-store.js';
import { Deadlines } from '../time/deadlines.js';
import type { App, AppSettings } from './create-app.js';

/** Options of {@link createPublisher}. @group Publishing */
export interface PublisherOptions extends Pick<AppSettings, 'store' | 'gateway'> {
  /** Hooks around publishing and delivery. @default none */
  readonly plugins?: readonly AnyPlugin[];
  /**
   * The stage whose connections get events. Connections of other stages that share the store are ignored.
   * @default the stage in the endpoint, if it is an AWS URL; otherwise GATECAST_API_ID and GATECAST_STAGE
   */
  readonly address?: StageAddress;
  /**
   * The history of channels by their pattern, exactly as in the channel classes: `{ 'rooms/:roomId': {
   * retentionSeconds: 86_400 } }`. What is published on any other channel is delivered, but not kept. `false` excludes
   * a pattern that another one would match: `'rooms/lobby': false`.
   * @default no channel has history
   */
  readonly history?: HistoryByPattern;
}

/**
 * Publishes from another function than the app's, such as one behind a REST API. It does not load channel
 * classes. The function needs the environment variable `GATECAST_ENDPOINT`, or `GATECAST_API_ID` and
 * `GATECAST_STAGE`, or the option `address` or `gateway`: without any of these, `publish` rejects with
 * ERR_ENDPOINT_UNKNOWN.
 *
 * @example
 * ```ts
 * const realtime = createPublisher<typeof app>({ store });
 * await realtime.channel('rooms/42').publish('message', { text: 'hello' });
 * ```
 *
 * @throws ConfigurationError - for an unknown or wrong option, and for plugins that are duplicate or in
 * the wrong order.
 * @group Publishing
 */
export function createPublisher<A extends App = never>(
  options: PublisherOptions,
): [A] extends [never] ? Publishing : Pick<A, 'channel'> {
  return tracedFrom(createPublisher, () => buildPublisher(options));
}

/** With a part missing, no connection would be of the stage, and events would reach nobody. */
const stageAddress: OptionType = {
  takes: '{ apiId, stage, region }, three strings',
  fits: (value) => {
    if (!option.object.fits(value)) return false;
    const { apiId, stage, region } = value as Partial<StageAddress>;
    // An empty Region fits every one.
    return option.text.fits(apiId) && option.text.fits(stage) && typeof region === 'string';
  },
};

function buildPublisher(options: PublisherOptions): Publishing {
  checkOptions('createPublisher()', options, {
    store: storeOption,
    gateway: option.object,
    plugins: option.list,
    address: stageAddress,
    history: option.object,
  });
  checkStore('createPublisher()', options.store);
  const { store, gateway, address, plugins = [], history } = options;
  if (history) checkLog('createPublisher()', store);
  const core: PublishCore = {
    store,
    ...composePlugins(plugins),
    now: Date.now,
    stages: new Stages({ ...(gateway && { gateway }), ...(address && { address }) }),
    deadlines: new Deadlines(),
    ...(history && { historyOf: historyByPattern('createPublisher()', history) }),
  };
  const invocation = new Invocation(core, undefined);
  return { channel: (name: string) => new ChannelOfServer(invocation, name) };
}
