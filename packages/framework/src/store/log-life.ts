import type { LogSettings } from './log.js';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/**
 * How long the head of a log is kept after it was last used, in milliseconds: longer than any entry or key that
 * refers to it. Without its head, a log begins anew with another epoch.
 */
export function logLifeMs({ retentionSeconds }: Pick<LogSettings, 'retentionSeconds'>): number {
  return Math.max(30 * DAY_MS, 2 * (retentionSeconds * 1_000 + HOUR_MS));
}
