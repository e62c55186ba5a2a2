/** Seconds that rows are kept longer than their entry can be read: S. */
export const SLACK_S = 3_600;
/** A claim is dead this long before its row may be deleted. */
export const DEAD_S: number = SLACK_S / 2;
/** No append later than this after its claim: L, in milliseconds. */
export const APPEND_WITHIN_MS = 60_000;
