import { isDeepStrictEqual } from 'node:util';
import type { ConnectionRecord } from '../store/connections.js';
import { type Action, ConnectionModel } from './connection-store-model.js';

/** What a call returned that was made twice, because the first one failed: it may be anything. */
export const ANYTHING: unique symbol = Symbol('anything');

/** What is known of a connection. */
export interface ConnectionState {
  readonly record: ConnectionRecord | undefined;
  /** Sorted. */
  readonly channels: readonly string[];
}

/** What calls may return, and leave behind, when they are made one after the other. */
export interface Outcome {
  /** For each call, what it may return: one for each time that it was made. */
  readonly results: readonly (readonly unknown[])[];
  readonly state: ConnectionState;
}

/** Calls that run at the same time, by their index among all. */
export interface Run {
  readonly before: readonly Action[];
  readonly calls: readonly Action[];
  /** The one that stopped for good: it may have been made or not. */
  readonly dead?: number | undefined;
  /** The one that was sent to the engine twice, because an answer was lost. */
  readonly repeated?: number | undefined;
}

/** Whether an action ends a connection. */
export function isRemoval(action: Action): boolean {
  return action.do === 'disconnect' || action.do === 'prune';
}

/** Whether an action ends subscriptions. */
export function takesAway(action: Action): boolean {
  return isRemoval(action) || action.do === 'unsubscribe';
}

/** What may come of calls: their outcome in every order. */
export function outcomesOf({ before, calls, dead, repeated }: Run): readonly Outcome[] {
  const all = [...calls.keys()];
  const orders = permutations(all);
  if (dead !== undefined) orders.push(...permutations(all.filter((index) => index !== dead)));
  if (repeated !== undefined) orders.push(...permutations([...all, repeated]));
  return orders.map((order) => {
    const model = new ConnectionModel();
    for (const action of before) model.perform(action);
    const results: unknown[][] = calls.map(() => []);
    for (const index of order) results[index]?.push(model.perform(calls[index] as Action));
    return { results, state: { record: model.record, channels: model.channels } };
  });
}

/**
 * Whether a result is one that a call may have. That the connection is gone may be said of a
 * subscription that a removal ended at once, as of one that came after it.
 */
export function fits(found: unknown, call: Action, possible: readonly unknown[]): boolean {
  if (found === ANYTHING) return true;
  // What was removed is returned, however often the call was sent.
  const removed = possible.filter((result) => result !== undefined);
  const allowed = call.do === 'disconnect' && removed.length > 0 ? removed : possible;
  if (!Array.isArray(found)) return allowed.some((result) => isDeepStrictEqual(found, result));
  return found.every((one, index) =>
    allowed.some((results) => Array.isArray(results) && results[index] === one),
  );
}

function permutations(items: readonly number[]): number[][] {
  if (items.length < 2) return [[...items]];
  return items.flatMap((first, index) =>
    permutations(items.toSpliced(index, 1)).map((rest) => [first, ...rest]),
  );
}
