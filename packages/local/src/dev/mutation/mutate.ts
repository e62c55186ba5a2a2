import { StartError } from '../../start-error.js';
import type { Template } from '../template/parse-template.js';
import { type ReadTemplateOptions, readStacks, type Stacks } from '../template/read-template.js';
import type { Stack } from '../template/stack.js';
import { transformSam } from '../template/transform-sam.js';
import { type Exemption, reasonToExempt } from './exemptions.js';
import { mutantsOf } from './mutants.js';
import { observe } from './mutation-run.js';
import { noticed, type Observation, type Session } from './session.js';

/** What became of a mutant. */
export interface MutantResult {
  /** Such as `ChatPolicy: action dynamodb:PutItem of statement 1`. */
  readonly name: string;
  /** `unnoticed`: it makes no difference to the session. */
  readonly outcome: 'noticed' | 'unnoticed' | 'exempt';
  /** Who noticed it and how, or why nobody could. */
  readonly reason: string;
}

/** A template to mutate, with what judges it. */
export interface MutationOptions extends ReadTemplateOptions {
  readonly stacks: Stacks;
  readonly session: Session;
  /** Only the mutants whose name contains it. @default all */
  readonly only?: string | undefined;
  /** Besides those that are exempt in every template. @default none */
  readonly exemptions?: readonly Exemption[] | undefined;
  /** Called when a result is known. */
  readonly onResult?: ((result: MutantResult) => void) | undefined;
}

/** Gateways that run at once. */
const AT_ONCE = 2;

/**
 * Removes one part of the stacks that run after the other, and runs the session each time.
 *
 * @returns The results, in the order of the template.
 * @throws StartError - `ERR_SESSION_FAILED` if the session fails with the template as it is, or if something
 * else happens in it each time: then it would notice every part.
 */
export async function mutate(options: MutationOptions): Promise<readonly MutantResult[]> {
  const { stacks, only = '', exemptions = [], onResult } = options;
  const original = await observeOriginal(options);
  const mutants = runningStacks(stacks).flatMap((stack) =>
    mutantsOf(stack.source).map(({ name, template }) => ({
      name: stacks.stacks.length > 1 ? `${stack.name}/${name}` : name,
      stacks: withTemplate(stacks, stack, template),
    })),
  );
  const chosen = mutants.filter(({ name }) => name.includes(only));
  const judge = async (mutant: (typeof mutants)[number]): Promise<MutantResult> => {
    const { name } = mutant;
    const exempt = reasonToExempt(name, exemptions);
    if (exempt !== undefined) return { name, outcome: 'exempt', reason: exempt };
    const reason = await noticedIn(mutant.stacks, options, original);
    if (reason !== undefined) return { name, outcome: 'noticed', reason };
    return { name, outcome: 'unnoticed', reason: 'nobody noticed' };
  };
  const results: MutantResult[] = [];
  const waiting = [...chosen.entries()];
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
      const [index, mutant] = next;
      const result = await judge(mutant);
      results[index] = result;
      onResult?.(result);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

/** Observes the whole template, alone and then beside another gateway as the mutants are. */
async function observeOriginal(options: MutationOptions): Promise<Observation> {
  const { stacks, session } = options;
  const once = async (original?: Observation): Promise<Observation> => {
    const observation = await observe(await readStacks(stacks, options), { session, original });
    checkOriginal(observation);
    return observation;
  };
  const first = await once();
  const others = await Promise.all(Array.from({ length: AT_ONCE }, () => once(first)));
  for (const other of others) {
    const difference = noticed(other, first);
    if (difference === undefined) continue;
    throw new StartError(
      'ERR_SESSION_FAILED',
      `With the same template, the session is not the same each time: ${difference}.`,
      'Let it wait for what it causes before it ends.',
    );
  }
  const longestWaitMs = Math.max(...[first, ...others].map((each) => each.longestWaitMs));
  return { ...first, longestWaitMs };
}

function checkOriginal({ failure, refused }: Observation): void {
  const problem = failure ?? (refused.length > 0 ? `IAM refused ${refused.join(', ')}` : undefined);
  if (problem === undefined) return;
  throw new StartError(
    'ERR_SESSION_FAILED',
    `The session fails with the template as it is: ${problem.replace(/\.$/, '')}.`,
    'Correct the template or the session first: nothing has been removed yet.',
  );
}

function runningStacks({ stacks, chosen }: Stacks): readonly Stack[] {
  return chosen === undefined ? stacks : [chosen];
}

function withTemplate(all: Stacks, stack: Stack, source: Template): Stacks {
  const changed: Stack = { ...stack, source, template: transformSam(source) };
  const stacks = all.stacks.map((each) => (each === stack ? changed : each));
  return { ...all, stacks, chosen: all.chosen === stack ? changed : all.chosen };
}

async function noticedIn(
  stacks: Stacks,
  options: MutationOptions,
  original: Observation,
): Promise<string | undefined> {
  try {
    const { session } = options;
    const read = await readStacks(stacks, options);
    const waitMs = 500 + 3 * original.longestWaitMs;
    const observation = await observe(read, { session, original, waitMs });
    return noticed(observation, original);
  } catch (error) {
    // A file or a port that is missing says nothing about the template.
    if (!(error instanceof Error) || 'syscall' in error) throw error;
    return `the start: ${error.message.split('\n', 1)[0]}`;
  }
}
