/** The longest that `setTimeout` takes, in milliseconds: with more it fires at once. */
const MAX_TIMER_MS = 2 ** 31 - 1;
/** API Gateway waits 29 s for an answer (its quotas): after this, none comes. */
export const ANSWERED_WITHIN_MS = 30_000;
export const BASE_MS = 500;
export const CAP_MS = 20_000;

/** What ends a timer. */
export type Timer = ReturnType<typeof setTimeout>;

/** A number of milliseconds as it came from the app or the server; nothing sensible is 0. */
export function milliseconds(value: unknown): number {
  return typeof value === 'number' && value > 0 ? Math.min(value, MAX_TIMER_MS) : 0;
}

/** A time that a server named, within limits: one bad answer must not stop a client. `undefined` for none. */
export function clamp(
  value: unknown,
  [least, most]: readonly [number, number],
): number | undefined {
  const ms = milliseconds(value);
  return ms === 0 ? undefined : Math.min(Math.max(ms, least), most);
}

/** `setTimeout`, with a time that is cut to what a timer can wait. */
export function after(ms: number, call: () => void): Timer {
  return setTimeout(call, milliseconds(ms));
}

/**
 * How long to wait before try `attempt`, counted from 0: anything from nothing to a limit that
 * doubles from 0.5 s to 20 s. All clients of an account share 500 new connections a second
 * (Amazon API Gateway quotas), so after an outage they must not come back together.
 *
 * @param firstMs - The limit before the first try.
 */
export function backoffMs(attempt: number, firstMs: number = BASE_MS): number {
  return Math.random() * (attempt === 0 ? firstMs : Math.min(CAP_MS, BASE_MS * 2 ** attempt));
}
