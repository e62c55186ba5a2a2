import type { Account, Message, Subscription } from './diary.js';

/** An event in the log of a channel. Its offset is its index plus one. */
export interface LogEntry {
  readonly id: string;
  readonly position: string;
  readonly by: string;
  readonly n: number;
}

/** The log of each channel. */
export type Logs = ReadonlyMap<string, readonly LogEntry[]>;

/** What is wrong, counted; `problems` tells the first ones. */
export interface Verdict {
  lost: number;
  doubled: number;
  outOfOrder: number;
  /** Anything else: an event that is not in the log, or with another content; one that was not asked for. */
  other: number;
  resets: number;
  readonly problems: string[];
}

const MOST_PROBLEMS = 20;

/** Compares what clients have seen and sent with the logs. */
export function check(logs: Logs, accounts: readonly Account[]): Verdict {
  const verdict = { lost: 0, doubled: 0, outOfOrder: 0, other: 0, resets: 0, problems: [] };
  const checks = new Checks(verdict);
  for (const account of accounts) {
    for (const problem of account.impossible) checks.found('other', problem);
    for (const one of account.subscriptions) checks.subscription(one, logs.get(one.channel) ?? []);
  }
  const messages = accounts.flatMap((account) => account.messages);
  for (const [channel, log] of logs) {
    checks.messages(
      log,
      messages.filter((message) => message.channel === channel),
      channel,
    );
  }
  return verdict;
}

type Count = Exclude<keyof Verdict, 'problems'>;

class Checks {
  readonly #verdict: Verdict;

  constructor(verdict: Verdict) {
    this.#verdict = verdict;
  }

  found(count: Count, problem: string): void {
    this.#verdict[count] += 1;
    if (this.#verdict.problems.length < MOST_PROBLEMS) this.#verdict.problems.push(problem);
  }

  /** What was heard has to be a run of the log without a hole, which begins where it may begin. */
  subscription(one: Subscription, log: readonly LogEntry[]): void {
    const { subscriber, channel, first, latest, heard, resets, isOpen } = one;
    const where = `${subscriber} on ${channel}`;
    for (const reason of resets) this.found('resets', `${where}: reset (${reason})`);
    const offsets = new Map(log.map(({ id }, index) => [id, index + 1]));
    const seen = new Set<number>();
    let highest = 0;
    let lowest = Number.POSITIVE_INFINITY;
    for (const { id, position, text } of heard) {
      const offset = offsets.get(id);
      const entry = log[(offset ?? 0) - 1];
      if (offset === undefined || !entry) {
        this.found('other', `${where}: ${text} is not in the log`);
        continue;
      }
      if (position !== entry.position || text !== textOf(entry)) {
        this.found(
          'other',
          `${where}: ${text} at ${position} is ${textOf(entry)} at ${entry.position}`,
        );
      }
      if (seen.has(offset)) this.found('doubled', `${where}: offset ${offset} again (${text})`);
      else if (offset < highest) {
        this.found('outOfOrder', `${where}: offset ${offset} after ${highest} (${text})`);
      }
      seen.add(offset);
      highest = Math.max(highest, offset);
      lowest = Math.min(lowest, offset);
    }
    if (lowest < first) this.found('other', `${where}: begins at ${lowest}, before ${first}`);
    const end = isOpen ? log.length : highest;
    for (let offset = Math.min(lowest, latest); offset <= end; offset += 1) {
      const entry = log[offset - 1];
      if (!seen.has(offset) && entry) {
        this.found('lost', `${where}: offset ${offset} is missing (${textOf(entry)})`);
      }
    }
  }

  /** What was accepted is in the log once, anything else at most once; each publisher's in its order. */
  messages(log: readonly LogEntry[], messages: readonly Message[], channel: string): void {
    const kept = new Map<string, LogEntry[]>();
    const latest = new Map<string, number>();
    for (const entry of log) {
      kept.set(textOf(entry), [...(kept.get(textOf(entry)) ?? []), entry]);
      const before = latest.get(entry.by) ?? 0;
      if (entry.n < before) {
        this.found('outOfOrder', `${channel}: ${textOf(entry)} is in the log after ${before}`);
      }
      latest.set(entry.by, Math.max(before, entry.n));
    }
    for (const message of messages) {
      const text = textOf(message);
      const [entry, ...others] = kept.get(text) ?? [];
      kept.delete(text);
      for (const { position } of others) {
        this.found('doubled', `${channel}: ${text} is in the log again at ${position}`);
      }
      if (message.outcome !== 'accepted') continue;
      if (!entry) this.found('lost', `${channel}: ${text} was accepted, and is not in the log`);
      else if (entry.position !== message.position) {
        const answer = `was answered with ${message.position}`;
        this.found('other', `${channel}: ${text} ${answer}, and is at ${entry.position}`);
      }
    }
    for (const text of kept.keys()) this.found('other', `${channel}: nobody has sent ${text}`);
  }
}

/** A message in words. */
export function textOf({ by, n }: Pick<LogEntry, 'by' | 'n'>): string {
  return `${by} ${n}`;
}
