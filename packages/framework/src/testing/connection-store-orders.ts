import { isDeepStrictEqual } from 'node:util';
import type { ConnectionRecord } from '../store/connections.js';
import { type Action, type CallAction, ConnectionModel } from './connection-store-model.js';

/** Stands for the result of a call that was repeated after a failure: any result is accepted. */
export const ANYTHING: unique symbol = Symbol('anything');

/** The state of a connection. */
export interface ConnectionState {
  readonly record: ConnectionRecord | undefined;
  /** Sorted. */
  readonly channels: readonly string[];
}

/** The results and the state of calls in one order of their steps. */
export interface Outcome {
  /** The possible results of each call: one for each time that it ran. */
  readonly results: readonly (readonly unknown[])[];
  readonly state: ConnectionState;
}

/** Calls that run at the same time. */
export interface Run {
  readonly before: readonly CallAction[];
  readonly calls: readonly CallAction[];
  /** The call whose caller died: it may have run or not. */
  readonly dead?: number | undefined;
  /** The call that was sent to the engine twice because an answer was lost. */
  readonly repeated?: number | undefined;
}

/** Whether an action ends a connection. */
export function isRemoval(action: CallAction): boolean {
  return action.do === 'disconnect' || action.do === 'prune';
}

/** Whether an action ends subscriptions. */
export function endsSubscriptions(action: CallAction): boolean {
  return isRemoval(action) || action.do === 'unsubscribe';
}

/**
 * The possible outcomes of calls. A call is atomic for each of its channels, but other calls may come
 * between two channels, because the contract does not make the whole call atomic.
 */
export function outcomesOf({ before, calls, dead, repeated }: Run): readonly Outcome[] {
  const whole = calls.map((call, index) => ({ index, parts: partsOf(call) }));
  const runs = [whole];
  if (repeated !== undefined) runs.push([...whole, ...whole.slice(repeated, repeated + 1)]);
  if (dead !== undefined) {
    const { index, parts } = whole[dead] as { index: number; parts: readonly Action[] };
    // It may have been cut off after any of its channels.
    for (const length of parts.keys()) {
      runs.push(whole.with(dead, { index, parts: parts.slice(0, length) }));
    }
  }
  return runs.flatMap((run) => {
    const parts = run.map((one) => one.parts);
    return interleavings(parts.map(({ length }) => length)).map((order) => {
      const model = new ConnectionModel();
      for (const action of before) model.perform(action);
      const returned: unknown[][] = parts.map(() => []);
      for (const which of order) {
        const part = parts[which]?.[returned[which]?.length ?? 0];
        if (part) returned[which]?.push(model.perform(part));
      }
      const results: unknown[][] = calls.map(() => []);
      for (const [which, { index }] of run.entries()) {
        const [first] = returned[which] ?? [];
        results[index]?.push(Array.isArray(first) ? returned[which]?.flat() : first);
      }
      return { results, state: { record: model.record, channels: model.channels } };
    });
  });
}

/** Whether a result is possible for a call. */
export function fits(found: unknown, call: CallAction, possible: readonly unknown[]): boolean {
  if (found === ANYTHING || possible.length === 0) return true;
  // The removed connection is returned no matter how often the call was sent.
  const removed = possible.filter((result) => result !== undefined);
  const allowed = call.do === 'disconnect' && removed.length > 0 ? removed : possible;
  if (!Array.isArray(found)) return allowed.some((result) => isDeepStrictEqual(found, result));
  return found.every((one, index) =>
    allowed.some((results) => Array.isArray(results) && results[index] === one),
  );
}

function partsOf(action: CallAction): readonly Action[] {
  if (action.do === 'connect') {
    const joins = action.channels.map((channel) => ({ do: 'join' as const, channels: [channel] }));
    // The pruned connection is forgotten before the new one exists.
    return [{ do: 'forget' }, { ...action, channels: [] }, ...joins];
  }
  if (action.do !== 'subscribe' && action.do !== 'unsubscribe') return [action];
  return action.channels.map((channel) => ({ ...action, channels: [channel] }));
}

/** All interleavings of sequences with the given lengths, each as a list of sequence indexes. */
function interleavings(lengths: readonly number[]): number[][] {
  if (lengths.every((length) => length === 0)) return [[]];
  return lengths.flatMap((length, which) =>
    length === 0
      ? []
      : interleavings(lengths.with(which, length - 1)).map((rest) => [which, ...rest]),
  );
}
