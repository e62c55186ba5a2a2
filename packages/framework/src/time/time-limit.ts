/** The longest a timer can wait; what is longer fires at once (Node.js documentation, "Timers"). */
export const MAX_TIMER_MS = 2_147_483_647;

/** How long something may work. */
export interface TimeLimit {
  /** When it has to be over, in milliseconds since 1970. @default never */
  readonly endsAt?: number;
  /** Ends it at once; what waits for it rejects with the signal's `reason`. @default none */
  readonly signal?: AbortSignal;
}

/** What is left of a time limit, in milliseconds: 0 when it is over, Infinity without one. */
export function timeLeftMs({ endsAt = Infinity, signal }: TimeLimit): number {
  return signal?.aborted ? 0 : Math.max(0, endsAt - Date.now());
}

/** The same time limit, ending in at most so many milliseconds. */
export function atMost({ endsAt = Infinity, signal }: TimeLimit, ms: number): TimeLimit {
  return { endsAt: Math.min(endsAt, Date.now() + ms), ...(signal && { signal }) };
}

/**
 * Waits for a promise no longer than the time limit allows. The promise itself goes on: pass the limit
 * to whatever makes it, too.
 *
 * @param makeError - What it rejects with when the time is over.
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
  // The one that loses the race may still reject.
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
 * Waits for some time; ends early, and rejects with the signal's `reason`, when it is aborted.
 *
 * @param ms - In milliseconds, at most {@link MAX_TIMER_MS}; what is longer is cut to that.
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
