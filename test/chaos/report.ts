import { FAULT_KINDS } from './plan.js';
import type { ChaosOptions, ChaosResult } from './run-chaos.js';
import { CLIENTS, PAGES } from './run-chaos.js';

const number = (of: number | undefined): string => (of ?? 0).toLocaleString('en-US');

/** Kinds of faults that a run did not have. */
export function missingFaults({ faults }: ChaosResult): readonly string[] {
  return FAULT_KINDS.filter((kind) => !faults.get(kind));
}

/** Whether everything was as promised. */
export function isGood(result: ChaosResult): boolean {
  const { lost, doubled, outOfOrder, other, resets, problems } = result;
  const wrong = lost + doubled + outOfOrder + other + resets + problems.length;
  return wrong === 0 && missingFaults(result).length === 0;
}

/** What a run was like, in a few lines. */
export function describe(result: ChaosResult, { store, seed, durationMs }: ChaosOptions): string {
  const { faults, messages, events, lost, doubled, outOfOrder, other, resets, problems } = result;
  const accepted = messages.filter(({ outcome }) => outcome === 'accepted');
  const again = accepted.filter(({ isDuplicate }) => isDuplicate);
  const codes = new Map<string, number>();
  for (const { code } of messages) if (code) codes.set(code, (codes.get(code) ?? 0) + 1);
  const refused = [...codes].map(([code, count]) => `, ${number(count)} refused with ${code}`);
  const missing = missingFaults(result);
  return [
    `${durationMs / 60_000} min on ${store}, seed ${seed}: ${CLIENTS} clients (${PAGES} of them pages), 5 publishers, 5 channels.`,
    `Faults: ${FAULT_KINDS.map((kind) => `${kind} ${number(faults.get(kind))}`).join(', ')}.`,
    `Messages: ${number(messages.length)} sent, ${number(accepted.length)} accepted${refused.join('')}; ${number(again.length)} were in the log already when they were sent again. Events: ${number(events)}.`,
    `Lost: ${lost}. Doubled: ${doubled}. Out of order: ${outOfOrder}. Other: ${other}. Resets: ${resets}.`,
    ...(missing.length > 0 ? [`These faults did not happen: ${missing.join(', ')}.`] : []),
    ...problems,
  ].join('\n');
}
