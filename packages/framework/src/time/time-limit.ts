/** The longest time that a timer can wait. Longer ones fire at once (Node.js documentation, "Timers"). */
export const MAX_TIMER_MS = 2_147_483_647;

/** How long some work may take. @group Stores */
export interface TimeLimit {
  /** When the work must be finished, in milliseconds since 1970. @default never */
  readonly endsAt?: number;
  /** Ends the work at once. Promises of the work reject with the signal's `reason`. @default none */
  readonly signal?: AbortSignal;
}

/** The time left, in milliseconds: 0 if it is over, Infinity without a limit. */
export function timeLeftMs({ endsAt = Infinity, signal }: TimeLimit): number {
  return signal?.aborted ? 0 : Math.max(0, endsAt - Date.now());
}

/** The same time limit, but at most `ms` milliseconds from now. */
export function atMost({ endsAt = Infinity, signal }: TimeLimit, ms: number): TimeLimit {
  return { endsAt: Math.min(endsAt, Date.now() + ms), ...(signal && { signal }) };
}

/**
 * Waits for a promise until the time limit. The work behind the promise goes on, so pass the limit to
 * that work, too.
 *
 * @param makeError - Makes the error to reject with when the time is over.
 *
 * @throws unknown - the signal's `reason`, once it is aborted.
 */
export async function withinTime<T>(
  promise: Promise<T>,
  limit: TimeLimit,
  makeError: () => unknown,
): Promise<T> {
  const { signal } = limit;
  let timer: NodeJS.Timeout | undefined;
  let onAbort: (() => void) | undefined;
  const over = new Promise<never>((_resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason as Error);
      return;
    }
    const leftMs = timeLeftMs(limit);
    if (leftMs <= MAX_TIMER_MS) timer = setTimeout(() => reject(makeError() as Error), leftMs);
    onAbort = () => reject(signal?.reason as Error);
    signal?.addEventListener('abort', onAbort);
  });
  // Prevents an unhandled rejection if the promise rejects after the time limit.
  promise.catch(() => {});
  over.catch(() => {});
  try {
    return await Promise.race([promise, over]);
  } finally {
    clearTimeout(timer);
    if (onAbort) signal?.removeEventListener('abort', onAbort);
  }
}

/**
 * Waits for some time. If the signal is aborted, it ends early and rejects with the signal's `reason`.
 *
 * @param ms - How long, in milliseconds; at most {@link MAX_TIMER_MS}.
 *
 * @throws unknown - the signal's `reason`, once it is aborted.
 */
export async function pause(ms: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason as Error);
    };
    const timer = setTimeout(
      () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      },
      Math.min(ms, MAX_TIMER_MS),
    );
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
