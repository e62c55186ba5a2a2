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
export function unknownAction({ routes }: RouteTable, action: string): string {
  const sentence = `There is no action ${quote(action)}.`;
  for (const route of routes) {
    // The client called `send('rooms.post')` instead of `send('post')`, so the channel's name is there
    // twice.
    if (!('message' in route) || action !== `${route.channel.name}.${route.key}`) continue;
    return `${sentence} Send "${route.message.method}": the client puts "${route.channel.name}." before it.`;
  }
  return sentence;
}
