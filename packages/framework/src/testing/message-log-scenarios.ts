import type { AppendRequest } from '../store/log.js';

/** An append. Those of one publish have one key. */
export interface AppendCall {
  readonly do: 'append';
  readonly publish: string;
  readonly over?: Pick<AppendRequest, 'hash' | 'payload'>;
  /** @default 'refuse' */
  readonly onOtherHash?: AppendRequest['onOtherHash'];
}

/** A call of a log. */
export type LogCall =
  | AppendCall
  | { readonly do: 'read'; readonly limit: number }
  | { readonly do: 'purge' };

/** Calls for one channel that run at the same time. */
export interface LogScenario {
  readonly name: string;
  /** Number of entries before the calls, named `old 1`, `old 2` … */
  readonly before: number;
  /** Whether the retention of those entries has ended. */
  readonly isOld?: boolean;
  readonly calls: readonly LogCall[];
}

function append(publish: string): LogCall {
  return { do: 'append', publish };
}

const other = { hash: 'other', payload: '"other"' };
const refused: LogCall = { do: 'append', publish: 'a', over: other, onOtherHash: 'refuse' };
const replaced: LogCall = { do: 'append', publish: 'a', over: other, onOtherHash: 'keep-first' };
const read: LogCall = { do: 'read', limit: 2 };
const purge: LogCall = { do: 'purge' };

/** After this many entries, the next one makes some stores move the oldest ones to another place. */
const FULL = 11;

/** The scenarios of {@link messageLogInterleavings}. */
export const logScenarios: readonly LogScenario[] = [
  { name: 'the first publish of a channel', before: 0, calls: [append('a')] },
  { name: 'a publish', before: 3, calls: [append('a')] },
  { name: 'a publish after 11 others', before: FULL, calls: [append('a')] },
  { name: 'the first two publishes', before: 0, calls: [append('a'), append('b')] },
  { name: 'two publishes after 11 others', before: FULL, calls: [append('a'), append('b')] },
  { name: 'a publish and its repeat', before: 3, calls: [append('a'), append('a')] },
  {
    name: 'a publish and its repeat after 11 others',
    before: FULL,
    calls: [append('a'), append('a')],
  },
  {
    name: 'a publish, its repeat and another publish',
    before: 2,
    calls: [append('a'), append('a'), append('b')],
  },
  {
    name: 'a repeat of an old publish and another publish',
    before: 3,
    calls: [append('old 2'), append('b')],
  },
  { name: 'a publish and its key with another content', before: 3, calls: [append('a'), refused] },
  {
    name: 'a publish and its key with a content to ignore',
    before: 3,
    calls: [append('a'), replaced],
  },
  {
    name: 'two publishes with a key whose retention has ended',
    before: 2,
    isOld: true,
    calls: [append('old 1'), append('old 1')],
  },
  { name: 'a publish and a read', before: 3, calls: [append('a'), read] },
  { name: 'a publish after 11 others and a read', before: FULL, calls: [append('a'), read] },
  { name: 'a publish and a purge', before: 3, calls: [append('a'), purge] },
  { name: 'a publish after 11 others and a purge', before: FULL, calls: [append('a'), purge] },
  { name: 'a repeat of an old publish and a purge', before: 3, calls: [append('old 2'), purge] },
  { name: 'a purge and a read', before: 5, calls: [purge, read] },
  { name: 'two purges', before: 4, calls: [purge, purge] },
];
