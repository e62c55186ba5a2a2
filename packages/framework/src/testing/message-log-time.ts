import { strict as assert } from 'node:assert';
import type { AppendRequest, MessageLog } from '../store/log.js';
import type { TimeLimit } from '../time/time-limit.js';
import { assertOutOfTime, failureOf, futureLimits } from './contract-fixtures.js';
import { CheckedLog, type LogCheck, type LogSubject, range, WIDE } from './message-log-fixtures.js';

/** A channel with three entries, and a call of every method of the log. */
async function callsOf(subject: LogSubject): Promise<{
  readonly channel: CheckedLog;
  readonly calls: Readonly<Record<string, (limit?: TimeLimit) => Promise<unknown>>>;
}> {
  const channel = new CheckedLog(subject);
  const [first] = await channel.fill(3);
  const { log } = subject;
  const { of, model } = channel;
  const request = { ...of, ...WIDE };
  const known = model.entries[0]?.request ?? channel.request();
  const position = first?.position ?? model.start;
  return {
    channel,
    calls: {
      append: (limit) => log.append(channel.request(), limit),
      'append again': (limit) => log.append(known, limit),
      head: (limit) => log.head(of, limit),
      'head with keep': (limit) => log.head({ ...of, keep: true }, limit),
      readAfter: (limit) => log.readAfter({ ...request, after: position }, limit),
      readBefore: (limit) => log.readBefore({ ...request, before: position }, limit),
      'readBefore the end': (limit) => log.readBefore(request, limit),
      purge: (limit) => log.purge(of, limit),
    },
  };
}

/** Checks of time limits. */
export const logTimeChecks: readonly LogCheck[] = [
  {
    name: 'rejects every call whose time is over, and changes nothing',
    run: async (subject) => {
      const { channel, calls } = await callsOf(subject);
      for (const [name, call] of Object.entries(calls)) {
        for (const endsAt of [Date.now() - 1, 0]) {
          assertOutOfTime(name, await failureOf(name, call({ endsAt })));
        }
        await channel.readEverywhere();
      }
    },
  },
  {
    name: 'rejects every call whose signal is aborted with its reason, and changes nothing',
    run: async (subject) => {
      const { channel, calls } = await callsOf(subject);
      const reason = new Error('the handler has answered');
      const signal = AbortSignal.abort(reason);
      for (const [name, call] of Object.entries(calls)) {
        assert.equal(await failureOf(name, call({ signal })), reason, name);
        const endsAt = Date.now() + 60_000;
        assert.equal(await failureOf(name, call({ signal, endsAt })), reason, name);
        await channel.readEverywhere();
      }
    },
  },
  {
    name: 'ends a running call when its signal is aborted, and the same call completes it',
    run: async (subject) => {
      const reason = new Error('the handler has answered');
      const { log } = subject;
      const channel = new CheckedLog(subject);
      const cut = async (call: (limit: TimeLimit) => Promise<unknown>): Promise<void> => {
        const abort = new AbortController();
        const running = call({ signal: abort.signal });
        abort.abort(reason);
        await running.catch((error: unknown) => assert.equal(error, reason));
      };
      for (const offset of range(1, 15)) {
        const request = channel.request();
        await cut((limit) => log.append(request, limit));
        await assertCompleted(log, request, offset);
      }
      await cut((limit) => log.readBefore({ ...channel.of, ...WIDE }, limit));
      await cut((limit) => log.head({ ...channel.of, keep: true }, limit));
      await cut((limit) => log.purge(channel.of, limit));
      await log.purge(channel.of);
      const page = await log.readBefore({ ...channel.of, ...WIDE });
      assert.ok('entries' in page);
      assert.deepEqual(page.entries, []);
      assert.equal(page.head.position.offset, 15);
    },
  },
  {
    name: 'gives the same results with a time limit at any point in the future',
    run: async (subject) => {
      for (const limit of futureLimits()) {
        const channel = new CheckedLog({ ...subject, log: limited(subject.log, limit) });
        await channel.head(true);
        await channel.fill(4);
        await channel.readEverywhere({ limit: 2 });
        await channel.purge();
        await channel.fill(2);
        await channel.readEverywhere({ keep: true });
      }
    },
  },
];

/** Appends again, and asserts that the entry is the last one and in the log once. */
async function assertCompleted(
  log: MessageLog,
  request: AppendRequest,
  offset: number,
): Promise<void> {
  const result = await log.append(request);
  assert.ok(result.result === 'appended', result.result);
  assert.equal(result.entry.position.offset, offset);
  const page = await log.readBefore({ ...request, ...WIDE });
  assert.ok('entries' in page);
  assert.equal(page.entries.length, offset);
  assert.equal(page.entries.at(-1)?.payload, request.payload);
}

/** A log that passes a time limit to every call. */
function limited(log: MessageLog, limit: TimeLimit): MessageLog {
  return {
    contract: 1,
    append: (request) => log.append(request, limit),
    head: (request) => log.head(request, limit),
    readAfter: (request) => log.readAfter(request, limit),
    readBefore: (request) => log.readBefore(request, limit),
    purge: (request) => log.purge(request, limit),
  };
}
