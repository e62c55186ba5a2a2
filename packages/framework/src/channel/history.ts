import { MAX_OFFSET } from '@gatecast/protocol';
import { checkOptions, describeValue, type OptionTypes, option } from '../errors/check-options.js';
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

/** The history of channels by their pattern; `false` for channels that have none. @group History */
export type HistoryByPattern = Readonly<Record<string, LogSettings | false>>;

/** The name of a setting in place of a pattern is a likely mistake: the settings of a class have none. */
function checkSettings(where: string, pattern: string, history: LogSettings): void {
  if (option.object.fits(history)) {
    checkHistory(`The history of "${pattern}" in ${where}`, history);
    return;
  }
  throw makeError('ERR_OPTION_VALUE', {
    where: `The history of ${where}`,
    option: pattern,
    given: describeValue(history),
    takes:
      "the settings by the channel's pattern: { 'rooms/:roomId': { retentionSeconds: 86_400 } }",
  });
}

/**
 * The history of each channel by its name.
 *
 * @throws ConfigurationError - ERR_PATTERN_INVALID, ERR_PATTERN_DUPLICATE, ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE.
 */
export function historyByPattern(
  where: string,
  histories: HistoryByPattern,
): (channel: string) => LogSettings | undefined {
  const tree = new PatternTree<{
    readonly pattern: string;
    readonly history: LogSettings | false;
  }>();
  for (const [pattern, history] of Object.entries(histories)) {
    const problem = patternProblem(pattern);
    if (problem) throw makeError('ERR_PATTERN_INVALID', { pattern, label: where, problem });
    if (history !== false) checkSettings(where, pattern, history);
    const other = tree.add(pattern, { pattern, history });
    if (!other) continue;
    const labels = { firstLabel: where, secondLabel: where };
    throw makeError('ERR_PATTERN_DUPLICATE', { first: other.pattern, second: pattern, ...labels });
  }
  return (channel) => tree.match(channel)?.value.history || undefined;
}
