import type { Off } from './listeners.js';

/** What a page tells a client. */
export interface PageEvents {
  /** There is reason to doubt the connection: the network is back, or the page is. */
  readonly woke: () => void;
  /** The network is said to be gone. */
  readonly doubted: () => void;
  /**
   * The page is being left. A browser may keep it for the way back: its connection would be dead then, and
   * the server not know of it.
   */
  readonly left: () => void;
}

/** Listens to the page, if there is one. */
export function watchPage({ woke, doubted, left }: PageEvents): Off {
  const ending = new AbortController();
  const { signal } = ending;
  const page = globalThis.document as Document | undefined;
  // React Native has neither; a worker has no document, and hears of the network alone.
  if (typeof addEventListener === 'function') {
    addEventListener('online', woke, { signal });
    addEventListener('offline', doubted, { signal });
    addEventListener('pageshow', woke, { signal });
    addEventListener('pagehide', left, { signal });
  }
  page?.addEventListener?.(
    'visibilitychange',
    () => {
      if (page.visibilityState === 'visible') woke();
    },
    { signal },
  );
  return () => ending.abort();
}
