import type { AppInvocation } from './app-invocation.js';
import { type LeftChannel, unsubscribeContext } from './contexts.js';

/**
 * Runs the `@OnUnsubscribe` of channels that a connection has left. It does not reject: one handler that
 * fails is reported and keeps none of the others from running.
 */
export async function tellOfLeaving(
  invocation: AppInvocation,
  names: readonly string[],
  left: Pick<LeftChannel, 'connection' | 'cause' | 'event'>,
): Promise<void> {
  await Promise.all(
    names.map(async (name) => {
      // A deployment may have removed the class: then there is nobody to tell.
      const match = invocation.core.table.find(name);
      const handler = match?.value.unsubscribe;
      if (!match || !handler) return;
      const label = `@OnUnsubscribe of ${match.value.label}`;
      try {
        invocation.limit(label);
        const ctx = unsubscribeContext(invocation, { ...left, name, params: match.params });
        await invocation.inTime(Promise.resolve(handler.call(ctx)), label);
      } catch (error) {
        invocation.report(error);
      }
    }),
  );
}
