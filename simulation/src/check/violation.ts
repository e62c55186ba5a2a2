/** What the checks find: one of the promises is broken. */
export interface Violation {
  /** The promise: a name of {@link RULES}. */
  readonly rule: Rule;
  readonly text: string;
}

/** The promises in a few words; docs/proof.md has them, too. */
export const RULES = {
  dense: 'offsets are 1, 2, 3 … and an epoch begins only where there is no log',
  span: 'an entry is at most 65 offsets behind its claim',
  once: 'an id has one offset for as long as it is known',
  durable: 'an acknowledged event can be read until its retention ends',
  content: 'an offset has one content',
  live: 'an event has been pushed to everybody who was answered a position below it',
  order: 'a reader gets everything once and in order, or is told of a reset',
  reset: 'a reset has a reason',
  purged: 'what was purged cannot be read',
  fresh: 'a read finds everything that was acknowledged before it began',
  answer: 'an answer is what the contract says',
  end: 'everything ends, and nothing fails that has no reason to',
} as const;

export type Rule = keyof typeof RULES;

/** Collects violations; the first one is the one that counts. */
export type Report = (rule: Rule, text: string) => void;
