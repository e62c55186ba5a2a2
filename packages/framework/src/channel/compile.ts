import { checkOptions } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';
import { type ChannelDefinition, channelOptionTypes } from './definition.js';
import { checkHistory } from './history.js';
import { PatternTree, parametersOf, patternProblem } from './pattern.js';
import { type Resolve, readChannel } from './read-channel.js';
import type { CompiledChannel, MessageRoute, Route, RouteTable } from './route-table.js';
import { isStandardSchema } from './schema.js';

const ROUTE_KEY = /^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)+$/;

const BUILT_IN: readonly Route[] = [
  { key: '$connect', kind: 'connect', twoWay: false },
  { key: '$disconnect', kind: 'disconnect', twoWay: false },
  { key: '$default', kind: 'default', twoWay: true },
  { key: 'subscribe', kind: 'subscribe', twoWay: true },
  { key: 'unsubscribe', kind: 'unsubscribe', twoWay: true },
  { key: 'ping', kind: 'ping', twoWay: true },
];

/** Only of apps that have a channel with history. */
const OF_HISTORY: readonly Route[] = [
  { key: 'history', kind: 'history', twoWay: true },
  { key: 'sync', kind: 'sync', twoWay: true },
];

/**
 * Compiles channel classes, instances and `defineChannel` values into the table of routes, and finds
 * every mistake in their structure. It does not read the environment. `createApp` calls it: see
 * `app.routes`.
 *
 * @param resolve - Makes the instances of the classes. Without it, `new` does.
 *
 * @throws ConfigurationError - for the first mistake that is found.
 * @group Deployment
 */
export function compile(sources: readonly object[], resolve?: Resolve): RouteTable {
  if (!Array.isArray(sources) || sources.length === 0) throw makeError('ERR_CHANNELS_EMPTY', {});
  const channels = sources.map((source: object) => compileChannel(readChannel(source, resolve)));
  const tree = new PatternTree<CompiledChannel>();
  for (const channel of channels) {
    const other = tree.add(channel.pattern, channel);
    if (!other) continue;
    const { label } = channel;
    if (other.label === label && other.pattern === channel.pattern) {
      throw makeError('ERR_CHANNEL_DUPLICATE', { label });
    }
    throw makeError('ERR_PATTERN_DUPLICATE', {
      first: other.pattern,
      firstLabel: other.label,
      second: channel.pattern,
      secondLabel: channel.label,
    });
  }
  const ofHistory = channels.some(({ options }) => options.history) ? OF_HISTORY : [];
  const routes = [...BUILT_IN, ...ofHistory, ...messageRoutes(channels)];
  for (const route of routes) Object.freeze(route);
  return Object.freeze({
    routes: Object.freeze(routes),
    channels: Object.freeze(channels),
    find: (name: string) => tree.match(name),
  });
}

function compileChannel(definition: ChannelDefinition): CompiledChannel {
  const { label, pattern, options } = definition;
  const given: unknown = pattern;
  const problem = patternProblem(given);
  if (problem) throw makeError('ERR_PATTERN_INVALID', { pattern: String(given), label, problem });
  checkOptions(`The channel of ${label}`, options, channelOptionTypes);
  checkAutoSubscribe(definition);
  if (options.history !== undefined) checkHistory(`The history of ${label}`, options.history);
  const literal = pattern.split('/').find((segment) => !segment.startsWith(':'));
  const name = options.name ?? literal;
  if (name === undefined) throw makeError('ERR_CHANNEL_NAMELESS', { pattern, label });
  return Object.freeze({ ...definition, name });
}

function checkAutoSubscribe({
  label,
  pattern,
  options: { autoSubscribe },
}: ChannelDefinition): void {
  if (autoSubscribe === undefined) return;
  const fits = parametersOf(pattern).length > 0 ? 'function' : 'boolean';
  if (typeof autoSubscribe === fits) return;
  const given = typeof autoSubscribe === 'function' ? 'a function' : String(autoSubscribe);
  throw makeError('ERR_AUTO_SUBSCRIBE', { label, given, pattern });
}

function messageRoutes(channels: readonly CompiledChannel[]): readonly MessageRoute[] {
  const found = new Map<string, MessageRoute>();
  for (const channel of channels) {
    for (const message of channel.messages) {
      const source = `${channel.label}.${message.method}`;
      const key = `${channel.name}.${message.method}`;
      if (!ROUTE_KEY.test(key)) {
        const { pattern } = channel;
        throw makeError('ERR_ROUTE_NAME', { label: source, pattern, route: key });
      }
      const first = found.get(key)?.source;
      if (first) throw makeError('ERR_ROUTE_DUPLICATE', { route: key, first, second: source });
      const { schema, reply } = message;
      if (schema && !isStandardSchema(schema))
        throw makeError('ERR_SCHEMA_INVALID', { label: source });
      const route = { key, kind: 'message', twoWay: reply, source, channel, message } as const;
      found.set(key, schema ? { ...route, schema } : route);
    }
  }
  return [...found.values()];
}
