import { strict as assert } from 'node:assert';
import type { AppendRequest, MessageLog } from '../store/log.js';
import { type TimeLimit, withinTime } from '../time/time-limit.js';
import { assertOutOfTime, failureOf, uniqueChannel } from './contract-fixtures.js';
import type { Step } from './interleavings.js';
import { offsetsOf, range, uniqueKey, WIDE } from './message-log-fixtures.js';

/** A log, and what happens to its calls of the engine. */
interface CutSubject {
  readonly log: MessageLog;
  readonly use: (step: Step) => void;
}

/** One check of calls that are cut off. */
interface CutCheck {
  readonly name: string;
  readonly run: (subject: CutSubject) => Promise<void>;
}

/** Number of engine calls of one call at most. */
const MAX_STEPS = 100;
/** Short, and long enough to reach the engine. */
const SHORT_MS = 100;
/** Long enough for a call to end on a busy machine. */
const REST_MS = 20_000;

const direct: Step = (call) => call();
const silent: Step = () => new Promise(() => {});

const reason = new Error('the handler has answered');

/** Rejects if a call does not end soon after its time limit or its signal. */
function ended<T>(call: Promise<T>): Promise<T> {
  const limit = { endsAt: Date.now() + REST_MS };
  return withinTime(
    call,
    limit,
    () => new Error('the call goes on after its time limit or its signal'),
  );
}

interface Room {
  readonly of: { readonly channel: string; readonly retentionSeconds: number };
  readonly requests: readonly AppendRequest[];
}

/** A channel with some entries, and one more publish. */
async function roomOf(log: MessageLog, entries: number): Promise<Room> {
  const of = { channel: uniqueChannel(), retentionSeconds: 600 };
  const requests = range(1, entries + 1).map((number) => ({
    ...of,
    key: uniqueKey(),
    hash: 'hash',
    payload: String(number),
    onOtherHash: 'refuse' as const,
  }));
  for (const request of requests.slice(0, entries)) await publish(log, request);
  return { of, requests };
}

async function publish(log: MessageLog, request: AppendRequest, limit?: TimeLimit): Promise<void> {
  const result = await log.append(request, limit);
  assert.ok(result.result === 'appended', result.result);
  await result.finish?.(Promise.resolve(undefined));
}

/** Asserts that every publish is in the log once, in order. */
async function assertAll(log: MessageLog, { of, requests }: Room): Promise<void> {
  for (const [index, request] of requests.entries()) {
    const result = await log.append(request);
    assert.ok(result.result === 'appended', result.result);
    assert.equal(result.entry.position.offset, index + 1);
  }
  const page = await log.readBefore({ ...of, ...WIDE });
  assert.ok('entries' in page);
  assert.deepEqual(offsetsOf(page.entries), range(1, requests.length));
  assert.deepEqual(
    page.entries.map(({ payload }) => payload),
    requests.map(({ payload }) => payload),
  );
}

/**
 * Makes a call again and again, each time aborted one step later, until it ends before that.
 *
 * @param moment - Whether it is aborted before the engine gets the call, or before its answer arrives.
 */
async function abortEverywhere(
  { log, use }: CutSubject,
  moment: 'before' | 'after',
  scenario: {
    readonly entries: number;
    call(room: Room, limit: TimeLimit): Promise<unknown>;
    again(room: Room): Promise<void>;
  },
): Promise<void> {
  for (let cut = 1; cut <= MAX_STEPS; cut += 1) {
    const room = await roomOf(log, scenario.entries);
    const abort = new AbortController();
    let steps = 0;
    use(async (call) => {
      steps += 1;
      if (steps > cut) return silent(call);
      if (steps < cut) return call();
      if (moment === 'after') await call();
      abort.abort(reason);
      return silent(call);
    });
    const running = scenario.call(room, { signal: abort.signal });
    const error: unknown = await ended(running).then(
      () => undefined,
      (one: unknown) => one,
    );
    use(direct);
    assert.ok(error === undefined || error === reason, `step ${cut}: ${String(error)}`);
    await scenario.again(room);
    assert.ok(steps > 0, 'the store makes no call of its engine through step()');
    if (steps < cut) return;
  }
  assert.fail(`a call makes more than ${MAX_STEPS} calls of the engine`);
}

function cut(moment: 'before' | 'after'): readonly CutCheck[] {
  const when = moment === 'before' ? 'before a step' : 'after a step';
  return [
    ...[0, 3, 11].map((entries) => ({
      name: `a publish after ${entries} others that is aborted ${when}: once in the log when it is made again`,
      run: (subject: CutSubject) =>
        abortEverywhere(subject, moment, {
          entries,
          call: ({ requests }, limit) =>
            subject.log.append(requests.at(-1) as AppendRequest, limit),
          async again(room) {
            await publish(subject.log, room.requests.at(-1) as AppendRequest);
            await assertAll(subject.log, room);
          },
        }),
    })),
    {
      name: `a purge that is aborted ${when}: complete when it is made again`,
      run: (subject) =>
        abortEverywhere(subject, moment, {
          entries: 14,
          call: ({ of }, limit) => subject.log.purge(of, limit),
          async again({ of, requests }) {
            await subject.log.purge(of);
            const page = await subject.log.readBefore({ ...of, ...WIDE });
            assert.ok('entries' in page);
            assert.deepEqual(page.entries, []);
            assert.equal(page.head.position.offset, 14);
            for (const request of requests.slice(0, 14)) {
              const result = await subject.log.append(request);
              assert.ok(result.result === 'appended' && result.isDuplicate);
              assert.equal(result.entry.payload, undefined);
            }
          },
        }),
    },
  ];
}

/** Checks of calls that end before their engine has answered. */
export const cutChecks: readonly CutCheck[] = [
  {
    name: 'a call whose engine does not answer ends at its time limit, and when its signal is aborted',
    run: async ({ log, use }) => {
      const { of, requests } = await roomOf(log, 2);
      const after = (await log.head(of)).position;
      const read = { ...of, ...WIDE, after };
      const calls: Readonly<Record<string, (limit: TimeLimit) => Promise<unknown>>> = {
        append: (limit) => log.append(requests.at(-1) as AppendRequest, limit),
        'append again': (limit) => log.append(requests[0] as AppendRequest, limit),
        head: (limit) => log.head(of, limit),
        readAfter: (limit) => log.readAfter(read, limit),
        readBefore: (limit) => log.readBefore(read, limit),
        purge: (limit) => log.purge(of, limit),
      };
      use(silent);
      for (const [name, call] of Object.entries(calls)) {
        const endsAt = Date.now() + SHORT_MS;
        assertOutOfTime(name, await failureOf(name, ended(call({ endsAt }))));
        const abort = new AbortController();
        use(() => {
          abort.abort(reason);
          return new Promise(() => {});
        });
        assert.equal(await failureOf(name, ended(call({ signal: abort.signal }))), reason, name);
        use(silent);
      }
      use(direct);
      await assertAll(log, { of, requests });
    },
  },
  ...cut('before'),
  ...cut('after'),
];
