// Plants every kind of mistake into what a client has written down, and has each of them noticed.
import { expect, it } from 'vitest';
import { check, type LogEntry, type Verdict } from './check.js';
import { type Line, readDiary } from './diary.js';
import { drawPlan, FAULT_KINDS } from './plan.js';

const CHANNEL = 'rooms/1';

/** A log of so many messages of one publisher. */
function logOf(length: number): LogEntry[] {
  return Array.from({ length }, (_, index) => entryOf(index + 1));
}

function entryOf(n: number): LogEntry {
  return { id: `id ${n}`, position: `e:${n}:t`, by: 'ann', n };
}

const eventOf = ({ id, position, by, n }: LogEntry): Line => ({
  is: 'event',
  channel: CHANNEL,
  id,
  position,
  text: `${by} ${n}`,
});
const joined: Line = { is: 'joined', channel: CHANNEL, first: 1 };
const left: Line = { is: 'left', channel: CHANNEL };
const settled: Line = { is: 'settled', channel: CHANNEL, latest: 4 };
const told = (...offsets: number[]): Line[] => offsets.map((offset) => eventOf(entryOf(offset)));

/** What ann sends: each message was accepted with the position that it has in the log. */
function sentBy(log: readonly LogEntry[]): Line[] {
  return log.flatMap(({ n, position }): Line[] => [
    { is: 'sent', channel: CHANNEL, n },
    { is: 'accepted', channel: CHANNEL, n, position, isDuplicate: false },
  ]);
}

const FINE = { lost: 0, doubled: 0, outOfOrder: 0, other: 0, resets: 0, problems: [] };

/** Compares with a log of 5 events that ann has sent. */
function verdictOn(
  lines: readonly Line[],
  { log = logOf(5), sent = sentBy(logOf(5)) } = {},
): Verdict {
  return check(new Map([[CHANNEL, log]]), [readDiary('bob', lines), readDiary('ann', sent)]);
}

it.each([
  ['everything', [joined, ...told(1, 2, 3, 4, 5)]],
  [
    'a part, and what follows after a pause',
    [joined, ...told(1, 2), left, { ...joined, first: 3 }, ...told(3, 4, 5)],
  ],
  ['a part again', [joined, ...told(1, 2, 3), left, { ...joined, first: 2 }, ...told(2, 3, 4, 5)]],
  [
    'nothing of what came while it was away',
    [joined, ...told(1), left, { ...joined, first: 2 }, ...told(4, 5), settled],
  ],
] satisfies [string, Line[]][])('a client may have seen %s', (_what, lines) => {
  expect(verdictOn(lines)).toEqual(FINE);
});

it.each([
  ['loses the first event', [joined, ...told(2, 3, 4, 5)], { lost: 1 }],
  ['loses an event', [joined, ...told(1, 2, 4, 5)], { lost: 1 }],
  ['loses the last events', [joined, ...told(1, 2, 3)], { lost: 2 }],
  ['loses everything', [joined], { lost: 5 }],
  ['loses an event before it leaves', [joined, ...told(1, 3), left], { lost: 1 }],
  [
    'does not get what it came back for',
    [joined, left, { ...joined, first: 2 }, ...told(4, 5)],
    { lost: 2 },
  ],
  ['gets an event twice in a row', [joined, ...told(1, 2, 2, 3, 4, 5)], { doubled: 1 }],
  ['gets an event again later', [joined, ...told(1, 2, 3, 4, 5, 1)], { doubled: 1 }],
  ['gets two events in the wrong order', [joined, ...told(1, 3, 2, 4, 5)], { outOfOrder: 1 }],
  [
    'gets more than it came back for',
    [{ ...joined, first: 2 }, ...told(1, 2, 3, 4, 5)],
    { other: 1 },
  ],
  ['gets an event after it has left', [joined, ...told(1, 2), left, ...told(3)], { other: 1 }],
  [
    'gets an event that is not in the log',
    [joined, ...told(1, 2, 3, 4, 5), eventOf({ ...entryOf(6), id: 'another' })],
    { other: 1 },
  ],
  [
    'gets an event with another content',
    [joined, ...told(1, 2, 3, 4), eventOf({ ...entryOf(5), by: 'eve' })],
    { other: 1 },
  ],
  [
    'gets an event with another position',
    [joined, ...told(1, 2, 3, 4), eventOf({ ...entryOf(5), position: 'e:6:t' })],
    { other: 1 },
  ],
  [
    'is reset',
    [joined, ...told(1, 2, 3, 4, 5), { is: 'reset', channel: CHANNEL, reason: 'epoch' }],
    { resets: 1 },
  ],
] satisfies [string, Line[], Partial<Verdict>][])(
  'notices that a client %s',
  (_what, lines, wrong) => {
    const { problems, ...counts } = verdictOn(lines);
    expect({ ...counts, problems: [] }).toEqual({ ...FINE, ...wrong });
    expect(problems).toHaveLength(Object.values(wrong).reduce((sum, count) => sum + count, 0));
  },
);

const all = [joined, ...told(1, 2, 3, 4, 5)];
const unanswered: Line = { is: 'sent', channel: CHANNEL, n: 5 };

it.each([
  ['was accepted', sentBy(logOf(5))],
  ['has no answer', [...sentBy(logOf(4)), unanswered]],
  ['was refused', [...sentBy(logOf(4)), unanswered, { ...unanswered, is: 'refused', code: 'E' }]],
  ['has no answer and is not in the log', [...sentBy(logOf(5)), { ...unanswered, n: 6 }]],
] satisfies [string, Line[]][])('a message may be one that %s', (_what, sent) => {
  expect(verdictOn(all, { sent })).toEqual(FINE);
});

it.each([
  ['accepted message is not in the log', { sent: sentBy(logOf(6)) }, { lost: 1 }],
  ['message is in the log that nobody has sent', { sent: sentBy(logOf(4)) }, { other: 1 }],
  [
    'message was answered with another position',
    { sent: [...sentBy(logOf(4)), ...sentBy([{ ...entryOf(5), position: 'e:4:t' }])] },
    { other: 1 },
  ],
  [
    'answer comes to a message that was not sent',
    { sent: [...sentBy(logOf(5)), ...sentBy([entryOf(6)]).slice(1)] },
    { other: 1 },
  ],
] satisfies [string, object, Partial<Verdict>][])('notices that an %s', (_what, parts, wrong) => {
  const { problems, ...counts } = verdictOn(all, parts);
  expect({ ...counts, problems: [] }).toEqual({ ...FINE, ...wrong });
  expect(problems).toHaveLength(1);
});

it('notices that a message is in the log twice, and out of order', () => {
  const log = [entryOf(1), entryOf(2), { ...entryOf(1), id: 'again', position: 'e:3:t' }];
  const { problems: _, ...counts } = verdictOn([joined, ...log.map(eventOf)], {
    log,
    sent: sentBy(log.slice(0, 2)),
  });
  expect({ ...counts, problems: [] }).toEqual({ ...FINE, doubled: 1, outOfOrder: 1 });
});

it('draws every kind of fault in every run, and the same plan from the same seed', () => {
  for (const seed of [1, 2, 3]) {
    const plan = drawPlan(seed, 20_000);
    expect(new Set(plan.map(({ kind }) => kind))).toEqual(new Set(FAULT_KINDS));
    expect(drawPlan(seed, 20_000)).toEqual(plan);
    expect(drawPlan(seed + 10, 20_000)).not.toEqual(plan);
  }
});
