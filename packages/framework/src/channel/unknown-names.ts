import { makeError } from '../errors/gatecast-error.js';
import { quote } from '../wire/frame.js';
import type { RouteTable } from './route-table.js';

/**
 * Throws when a channel does not belong to a class of the app: nobody can be subscribed to it.
 *
 * @throws UsageError - ERR_PUBLISH_UNKNOWN_CHANNEL.
 */
export function checkKnown(table: RouteTable, channel: string): void {
  if (table.find(channel)) return;
  const patterns = table.channels.map(({ pattern }) => pattern).join(', ');
  throw makeError('ERR_PUBLISH_UNKNOWN_CHANNEL', { channel, patterns });
}

/** What a client is told of an action that no route has. */
export function unknownAction({ routes }: RouteTable, action: string): string {
  const sentence = `There is no action ${quote(action)}.`;
  for (const route of routes) {
    // `send('rooms.post')` in place of `send('post')`: the name that the client adds stands there twice.
    if (!('message' in route) || action !== `${route.channel.name}.${route.key}`) continue;
    return `${sentence} Send "${route.message.method}": the client puts "${route.channel.name}." before it.`;
  }
  return sentence;
}
