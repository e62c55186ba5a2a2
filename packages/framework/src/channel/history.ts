import { MAX_OFFSET } from '@gatecast/protocol';
import { checkOptions, type OptionTypes, option } from '../errors/check-options.js';
import { makeError } from '../errors/gatecast-error.js';
import type { LogSettings } from '../store/log.js';
import type { Store } from '../store/store.js';
import { PatternTree, patternProblem } from './pattern.js';

/** Longer than any client sends a message again (`resendWithinMs`), so that its key is still known. */
const MIN_RETENTION_S = 600;
/** Ten years. */
const MAX_RETENTION_S = 315_360_000;

const types: OptionTypes<LogSettings> = {
  retentionSeconds: option.integer(MIN_RETENTION_S, MAX_RETENTION_S),
  maxEntries: option.integer(1, MAX_OFFSET),
};

/**
 * Throws unless a value is the `history` of a channel.
 *
 * @param where - Begins errors: `The history of RoomChannel`.
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE.
 */
export function checkHistory(where: string, history: LogSettings): void {
  checkOptions(where, history, types);
  if (history.retentionSeconds !== undefined) return;
  const { takes } = types.retentionSeconds;
  throw makeError('ERR_OPTION_VALUE', {
    where,
    option: 'retentionSeconds',
    given: 'nothing',
    takes,
  });
}

/** Throws unless a store can keep history. @throws ConfigurationError - ERR_HISTORY_STORE. */
export function checkLog(label: string, { name, log }: Store): void {
  if (!log) throw makeError('ERR_HISTORY_STORE', { label, store: name });
}

/**
 * The history of each channel by its name, from a list of patterns.
 *
 * @throws ConfigurationError - ERR_PATTERN_INVALID, ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE.
 */
export function historyByPattern(
  where: string,
  histories: Readonly<Record<string, LogSettings>>,
): (channel: string) => LogSettings | undefined {
  const tree = new PatternTree<LogSettings>();
  for (const [pattern, history] of Object.entries(histories)) {
    const problem = patternProblem(pattern);
    if (problem) throw makeError('ERR_PATTERN_INVALID', { pattern, label: where, problem });
    checkHistory(`The history of "${pattern}" in ${where}`, history);
    tree.add(pattern, history);
  }
  return (channel) => tree.match(channel)?.value;
}
