import { RULES } from './check/violation.js';
import type { FaultResult } from './find-fault.js';
import type { Outcome } from './run/outcome.js';
import type { Plan, StoreName } from './run/plan.js';
import type { FailedRun, Totals } from './simulate.js';

const number = (of: number | undefined): string => (of ?? 0).toLocaleString('en-US');

/** What all runs were like, in a few lines. */
export function describeTotals({ runs, sums, faults, failed }: Totals, store: StoreName): string {
  const broken = (...rules: readonly string[]): string =>
    number(failed.filter(({ outcome }) => rules.includes(outcome.violation?.rule ?? '')).length);
  const kinds = Object.entries(faults)
    .sort(([, one], [, other]) => other - one)
    .map(([kind, count]) => `${kind} ${number(count)}`);
  return [
    `${number(runs)} runs on ${store}: ${number(sums['publishes'])} messages published, sent again ${number(sums['resends'])} times, acknowledged ${number(sums['acknowledged'])} times; ${number(sums['delivered'])} entries read, ${number(sums['resets'])} resets.`,
    `The adversary: ${kinds.join(', ') || 'nothing'}.`,
    `Lost: ${broken('durable', 'fresh', 'live')}. Doubled: ${broken('once')}. Out of order: ${broken('order', 'content', 'dense')}. Other: ${broken('span', 'reset', 'purged', 'answer', 'end')}.`,
  ].join('\n');
}

const MOST_SEEDS = 100;

/** The runs that broke a promise, so that each can be done again. */
export function describeSeeds(failed: readonly FailedRun[]): string {
  const seeds = failed
    .slice(0, MOST_SEEDS)
    .map(({ seed, outcome }) => `${seed} (${outcome.violation?.rule ?? ''})`);
  const more = failed.length - seeds.length;
  return `Seeds of these runs: ${seeds.join(', ')}${more > 0 ? ` and ${number(more)} more` : ''}.`;
}

/** A failed run: which promise it broke, and how it came about. */
export function describeFailure(
  { seed, outcome }: FailedRun,
  { plan, outcome: smallest }: { readonly plan: Plan; readonly outcome: Outcome },
): string {
  const rule = outcome.violation?.rule;
  const end = smallest.story.findIndex((line) => line.includes('BROKEN'));
  const story = smallest.story.slice(0, end + 1);
  return [
    '',
    `Seed ${seed} breaks a promise: ${rule === undefined ? '' : RULES[rule]}. Do it again with --seed ${seed}.`,
    `The smallest run that breaks it: ${plan.operations.length} operations, ${smallest.decisions.length} faults, retention ${plan.retentionSeconds} s.`,
    ...story,
  ].join('\n');
}

/** A line of the table of planted faults. */
export function describeFault({ fault, runs, rule }: FaultResult): string {
  const took =
    runs === undefined ? 'by a schedule' : `${number(runs)} ${runs === 1 ? 'run' : 'runs'}`;
  return `| ${fault.name} | ${rule === undefined ? `NOT NOTICED in ${took}` : took} | ${rule ?? ''} |`;
}
