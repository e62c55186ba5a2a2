import type { Off } from './listeners.js';

/**
 * Calls back when a page has reason to doubt its connection: the network is back, or the page is
 * (its timers stood still meanwhile). Outside a page nothing ever happens.
 */
export function onWake(call: () => void): Off {
  const ending = new AbortController();
  const { signal } = ending;
  const page = globalThis.document as Document | undefined;
  if (typeof addEventListener === 'function') {
    addEventListener('online', call, { signal });
    addEventListener('pageshow', call, { signal });
  }
  page?.addEventListener(
    'visibilitychange',
    () => {
      if (page.visibilityState === 'visible') call();
    },
    { signal },
  );
  return () => ending.abort();
}
