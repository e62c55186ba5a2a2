import type { MessageLog } from './log.js';

/**
 * A log whose code is loaded at the first call, so that apps without history do not pay for it.
 *
 * @param load - Called once; again after it has failed.
 */
export function lazyLog(load: () => Promise<MessageLog>): MessageLog {
  let loading: Promise<MessageLog> | undefined;
  const log = (): Promise<MessageLog> => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined;
      throw error;
    });
    return loading;
  };
  return {
    contract: 1,
    append: async (...args) => (await log()).append(...args),
    head: async (...args) => (await log()).head(...args),
    readAfter: async (...args) => (await log()).readAfter(...args),
    readBefore: async (...args) => (await log()).readBefore(...args),
    purge: async (...args) => (await log()).purge(...args),
  };
}
