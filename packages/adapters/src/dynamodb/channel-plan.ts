import type { ChannelLimits, SubscribeResult } from '@gatecast/framework';
import { bytesOf } from './channel-update.js';

/** What a call to subscribe will change. */
export interface ChannelPlan {
  /** Channels that are new and that the limits allow. */
  readonly added: readonly string[];
  /** The result to report for each channel. */
  readonly results: ReadonlyMap<string, SubscribeResult>;
}

/** Chooses the channels that the limits allow, in the order given. `wanted` has no duplicates. */
export function planChannels(
  current: ReadonlySet<string>,
  wanted: readonly string[],
  { maxChannels, maxBytes }: ChannelLimits,
): ChannelPlan {
  let bytes = bytesOf(current);
  const added: string[] = [];
  const results = new Map<string, SubscribeResult>();
  for (const channel of wanted) {
    const size = Buffer.byteLength(channel);
    if (current.has(channel)) {
      results.set(channel, 'present');
    } else if (current.size + added.length >= maxChannels || bytes + size > maxBytes) {
      results.set(channel, 'full');
    } else {
      bytes += size;
      added.push(channel);
      results.set(channel, 'subscribed');
    }
  }
  return { added, results };
}
