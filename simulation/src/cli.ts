import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { faultNamed, faults } from './faults/faults.js';
import { schedules } from './faults/schedules.js';
import { findFault, playSchedule, RUNS_PER_FAULT } from './find-fault.js';
import { describeFailure, describeFault, describeSeeds, describeTotals } from './report.js';
import { LEVELS, STORES } from './run/plan.js';
import { explain, simulate } from './simulate.js';

const USAGE = `npm run simulate -- [options]

  --runs N       how many runs (1000)
  --seed S       do the run with this seed alone, and tell its story if it breaks a promise
  --first S      seed of the first run (1)
  --store NAME   dynamodb, memory or redis (dynamodb)
  --level NAME   app or log (both)
  --workers N    threads (as many as there are cores)
  --fault NAME   plant a fault into the project's code: one of those that --faults lists
  --faults       plant every fault, one after another, and say how many runs it took to notice it
`;

const say = (text: string): void => void process.stdout.write(`${text}\n`);

/** Reads the command line, and returns the exit code. */
export async function main(args: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      runs: { type: 'string' },
      seed: { type: 'string' },
      first: { type: 'string', default: '1' },
      store: { type: 'string', default: 'dynamodb' },
      level: { type: 'string' },
      workers: { type: 'string', default: String(availableParallelism()) },
      fault: { type: 'string' },
      faults: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    say(USAGE);
    return 0;
  }
  const store = oneOf('store', values.store, STORES);
  const level = values.level === undefined ? undefined : oneOf('level', values.level, LEVELS);
  const workers = numberOf('workers', values.workers);
  if (values.faults)
    return plantAll(numberOf('runs', values.runs ?? String(RUNS_PER_FAULT)), workers);
  const fault = values.fault === undefined ? undefined : faultNamed(values.fault);
  const patches = fault?.patches ?? [];
  const isOne = values.seed !== undefined;
  const totals = await simulate({
    runs: isOne ? 1 : numberOf('runs', values.runs ?? (fault ? String(RUNS_PER_FAULT) : '1000')),
    firstSeed: numberOf('seed', values.seed ?? values.first),
    store,
    level,
    workers: isOne ? 1 : workers,
    patches,
    endsAtFirst: fault !== undefined,
    ...(process.stdout.isTTY && {
      onProgress: (runs) => void process.stdout.write(`\r${runs} runs `),
    }),
  });
  say(describeTotals(totals, store));
  const [failed] = totals.failed;
  if (!failed) return 0;
  say(describeSeeds(totals.failed));
  say(describeFailure(failed, await explain(failed.plan, patches)));
  return 1;
}

async function plantAll(runs: number, workers: number): Promise<number> {
  let missed = 0;
  for (const fault of faults) {
    const result = await (fault.name in schedules
      ? playSchedule(fault)
      : findFault(fault, { runs, workers }));
    if (result.rule === undefined) missed += 1;
    say(describeFault(result));
  }
  return missed === 0 ? 0 : 1;
}

function numberOf(name: string, text: string): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= 0) return number;
  throw new Error(`--${name} is "${text}", but has to be a whole number.`);
}

function oneOf<T extends string>(name: string, text: string, names: readonly T[]): T {
  const known = names.find((one) => one === text);
  if (known) return known;
  throw new Error(`--${name} is "${text}", but has to be one of ${names.join(', ')}.`);
}
