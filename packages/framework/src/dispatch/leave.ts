import type { AppInvocation } from './app-invocation.js';
import { reportEach } from './channel-list.js';
import { type LeftChannel, unsubscribeContext } from './contexts.js';

/**
 * Runs the `@OnUnsubscribe` of channels that a connection has left. Does not reject: if one throws, the
 * error is reported and the others still run.
 */
export async function tellOfLeaving(
  invocation: AppInvocation,
  names: readonly string[],
  left: Pick<LeftChannel, 'connection' | 'cause' | 'event'>,
): Promise<void> {
  const errors: unknown[] = [];
  await Promise.all(
    names.map(async (name) => {
      // A deployment may have removed the class. Then there is no handler to run.
      const match = invocation.core.table.find(name);
      const { onUnsubscribe } = invocation.core.hooks;
      if (!match || !(match.value.unsubscribe || onUnsubscribe)) return;
      const { value, params } = match;
      const label = `@OnUnsubscribe of ${value.label}`;
      try {
        invocation.checkTime(label);
        const ctx = unsubscribeContext(invocation, { ...left, name, params });
        const run = async (): Promise<void> => {
          invocation.checkTime(label);
          await value.unsubscribe?.call(ctx);
        };
        await invocation.inTime(onUnsubscribe ? onUnsubscribe(ctx, run) : run(), label);
      } catch (error) {
        errors.push(error);
      }
    }),
  );
  reportEach(invocation, errors, false);
}
