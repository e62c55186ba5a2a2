import type { ChannelLimits, SubscribeResult } from '@gatecast/framework';
import { bytesOf } from './channel-update.js';

/** What a call to subscribe is to do. */
export interface ChannelPlan {
  /** Channels that are new and that the limits allow. */
  readonly added: readonly string[];
  /** By channel, what becomes of it when that is done. */
  readonly results: ReadonlyMap<string, SubscribeResult>;
}

/** Which of some different channels a connection may be subscribed to, in the order given. */
export function planChannels(
  held: ReadonlySet<string>,
  wanted: readonly string[],
  { maxChannels, maxBytes }: ChannelLimits,
): ChannelPlan {
  let bytes = bytesOf(held);
  const added: string[] = [];
  const results = new Map<string, SubscribeResult>();
  for (const channel of wanted) {
    const size = Buffer.byteLength(channel);
    if (held.has(channel)) {
      results.set(channel, 'present');
    } else if (held.size + added.length >= maxChannels || bytes + size > maxBytes) {
      results.set(channel, 'full');
    } else {
      bytes += size;
      added.push(channel);
      results.set(channel, 'subscribed');
    }
  }
  return { added, results };
}
