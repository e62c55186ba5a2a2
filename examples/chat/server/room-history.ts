import type { LogSettings } from '@gatecast/framework';

/** How long a room keeps its messages: a week. Functions that publish into rooms need to know it, too. */
export const roomHistory: LogSettings = { retentionSeconds: 7 * 86_400 };
