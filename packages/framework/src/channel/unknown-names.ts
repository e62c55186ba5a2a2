import { makeError } from '../errors/gatecast-error.js';
import { quote } from '../wire/frame.js';
import type { RouteTable } from './route-table.js';

/**
 * Throws if a channel does not belong to a class of the app, because nobody can be subscribed to it.
 *
 * @throws UsageError - ERR_PUBLISH_UNKNOWN_CHANNEL.
 */
export function checkKnown(table: RouteTable, channel: string): void {
  if (table.find(channel)) return;
  const patterns = table.channels.map(({ pattern }) => pattern).join(', ');
  throw makeError('ERR_PUBLISH_UNKNOWN_CHANNEL', { channel, patterns });
}

/** The message to a client about an action without a route. */
export function unknownAction({ routes, channels }: RouteTable, action: string): string {
  const sentence = `There is no action ${quote(action)}`;
  const [name = '', ...rest] = action.split('.');
  const isKnown = channels.some((channel) => channel.name === name);
  for (const route of routes) {
    // The client called `send('rooms.post')` instead of `send('post')`, so the channel's name is there
    // twice.
    if (!('message' in route) || action !== `${route.channel.name}.${route.key}`) continue;
    return `${sentence}. Send "${route.message.method}": the client puts "${route.channel.name}." before it.`;
  }
  if (rest.length === 0) return `${sentence}.`;
  return isKnown
    ? `${sentence}: the channel class ${quote(name)} has no message ${quote(rest.join('.'))}.`
    : `${sentence}: no channel class is named ${quote(name)}.`;
}

/** The message to a client about a channel without a class. */
export function unknownChannel({ channels }: RouteTable, channel: string): string {
  const isPattern = channels.some(({ pattern }) => pattern === channel);
  return isPattern
    ? `There is no channel ${quote(channel)}: that is a pattern. Give its parameters values.`
    : `There is no channel ${quote(channel)}: it fits no pattern of the app's channels.`;
}
