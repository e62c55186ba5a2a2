import {
  type AppendRequest,
  type LogEntry,
  type MessageLog,
  memoryStore,
  type ReadRequest,
} from '@gatecast/framework';
import { messageLogContract } from '@gatecast/framework/testing';
import { describe, expect, it } from 'vitest';

type Methods = Partial<MessageLog>;
type ReadSettings = Pick<ReadRequest, 'retentionSeconds' | 'keep'>;
type Change = (log: MessageLog, now: () => number) => Methods;

/** Names of the checks that a memory log fails after some of its methods were replaced. */
async function failuresOf(change: Change): Promise<string[]> {
  const make = async ({ now }: { readonly now: () => number }) => {
    const { log } = memoryStore({ now });
    if (!log) throw new Error('the memory store has no log');
    const replaced = change(log, now);
    const changed = new Proxy(log, {
      get(target, name) {
        const value: unknown = Reflect.get(replaced, name) ?? Reflect.get(target, name);
        return typeof value === 'function' ? value.bind(target) : value;
      },
    });
    return { log: changed, async [Symbol.asyncDispose]() {} };
  };
  const failed: string[] = [];
  for (const { name, run } of messageLogContract(make, { entries: 1_100, writers: 10 })) {
    await run().catch(() => failed.push(name));
  }
  return failed;
}

/** A log whose entries are changed when they are read. */
function readsChanged(change: (entries: readonly LogEntry[]) => readonly LogEntry[]): Change {
  return (log) => ({
    async readAfter(request, limit) {
      const page = await log.readAfter(request, limit);
      return 'reset' in page ? page : { ...page, entries: change(page.entries) };
    },
    async readBefore(request, limit) {
      const page = await log.readBefore(request, limit);
      return 'reset' in page ? page : { ...page, entries: change(page.entries) };
    },
  });
}

/** A log that appends a changed request. */
function appendsChanged(change: (request: AppendRequest) => Partial<AppendRequest>): Change {
  return (log) => ({
    append: (request, limit) => log.append({ ...request, ...change(request) }, limit),
  });
}

/** A log that gets every request changed. */
function everyRequest(change: (request: ReadSettings) => Partial<ReadSettings>): Change {
  return (log) => ({
    append: (request, limit) => log.append({ ...request, ...change(request) }, limit),
    head: (request, limit) => log.head({ ...request, ...change(request) }, limit),
    readAfter: (request, limit) => log.readAfter({ ...request, ...change(request) }, limit),
    readBefore: (request, limit) => log.readBefore({ ...request, ...change(request) }, limit),
    purge: (request, limit) => log.purge({ ...request, ...change(request) }, limit),
  });
}

/** Mistakes of a log that a caller does not notice at once. */
const mistakes: Readonly<Record<string, Change>> = {
  'a repeated key is appended again': appendsChanged(() => ({ key: `${Math.random()}`.slice(2) })),
  'the key is not compared with all of its characters': appendsChanged(({ key }) => ({
    key: key.slice(0, 15),
  })),
  'the key is compared without regard to case': appendsChanged(({ key }) => ({
    key: key.toLowerCase(),
  })),
  'the key is known on other channels': (log) => {
    const seen = new Map<string, ReturnType<MessageLog['append']>>();
    return {
      append(request, limit) {
        const known = seen.get(request.key) ?? log.append(request, limit);
        seen.set(request.key, known);
        return known;
      },
    };
  },
  'the hash is not compared': appendsChanged(() => ({ hash: '' })),
  'another hash is always refused': appendsChanged(() => ({ onOtherHash: 'refuse' })),
  'another hash is never refused': appendsChanged(() => ({ onOtherHash: 'keep-first' })),
  'the key is known among the last 64 entries only': (log) => {
    const last: string[] = [];
    return {
      async append(request, limit) {
        const name = `${request.channel} ${request.key}`;
        if (!last.includes(name)) last.push(name);
        const isOld = !last.slice(-64).includes(name);
        const key = isOld ? `${last.length}`.padStart(16, 'x') : request.key;
        return log.append({ ...request, key }, limit);
      },
    };
  },
  'a duplicate returns the payload of the repeated append': (log) => ({
    async append(request, limit) {
      const result = await log.append(request, limit);
      if (result.result !== 'appended') return result;
      return { ...result, entry: { ...result.entry, payload: request.payload } };
    },
  }),
  'a duplicate returns the time of the repeated append': (log, now) => ({
    async append(request, limit) {
      const result = await log.append(request, limit);
      if (result.result !== 'appended') return result;
      return { ...result, entry: { ...result.entry, at: now() } };
    },
  }),
  'a duplicate is not called one': (log) => ({
    async append(request, limit) {
      const result = await log.append(request, limit);
      return result.result === 'appended' ? { ...result, isDuplicate: false } : result;
    },
  }),
  'two of the same key at once are both new': (log) => {
    const running = new Map<string, Promise<unknown>>();
    return {
      async append(request, limit) {
        const isRunning = running.has(request.key);
        const appending = log.append(request, limit);
        running.set(request.key, appending);
        const result = await appending;
        running.delete(request.key);
        return isRunning && result.result === 'appended'
          ? { ...result, isDuplicate: false }
          : result;
      },
    };
  },
  'the payload is parsed and written again': appendsChanged(({ payload }) => ({
    payload: JSON.stringify(JSON.parse(payload)),
  })),
  'the payload is kept as Latin-1': appendsChanged(({ payload }) => ({
    payload: Buffer.from(payload, 'latin1').toString('latin1'),
  })),
  'the payload is cut off at 32,767 bytes': appendsChanged(({ payload }) => ({
    payload: Buffer.from(payload).subarray(0, 32_767).toString(),
  })),
  'an entry can only be read when its append has been finished': (log) => {
    const open = new Set<string>();
    const hide = readsChanged((entries) => entries.filter(({ payload }) => !open.has(payload)));
    return {
      ...hide(log, Date.now),
      async append(request, limit) {
        const result = await log.append(request, limit);
        if (result.result !== 'appended' || result.isDuplicate) return result;
        open.add(request.payload);
        const finish = async () => void open.delete(request.payload);
        return { ...result, finish };
      },
    };
  },
  'finish brings back what was purged': (log) => {
    const back = new Set<string>();
    return {
      async append(request, limit) {
        const result = await log.append(request, limit);
        if (result.result !== 'appended') return result;
        const { payload = back.has(request.key) ? request.payload : undefined } = result.entry;
        const finish = async () => void back.add(request.key);
        return {
          ...result,
          entry: { ...result.entry, ...(payload !== undefined && { payload }) },
          finish,
        };
      },
    };
  },
  'the audience is made up': (log) => ({
    head: async (request, limit) => ({ ...(await log.head(request, limit)), audience: 1 }),
  }),
  'an entry is missing from long pages': readsChanged((entries) =>
    entries.length > 900 ? entries.toSpliced(900, 1) : entries,
  ),
  'a page ends at 1,000 offsets as if it were all': (log) => ({
    async readAfter(request, limit) {
      const page = await log.readAfter(request, limit);
      if ('reset' in page) return page;
      const end = Math.ceil((request.after.offset + 1) / 1_000) * 1_000;
      const entries = page.entries.filter(({ position }) => position.offset < end);
      return { ...page, entries };
    },
  }),
  'readBefore returns the newest first': (log) => ({
    async readBefore(request, limit) {
      const page = await log.readBefore(request, limit);
      return 'reset' in page ? page : { ...page, entries: page.entries.toReversed() };
    },
  }),
  'readBefore includes the entry of its position': (log) => ({
    readBefore({ before, ...request }, limit) {
      const after = before && { ...before, offset: before.offset + 1 };
      return log.readBefore({ ...request, ...(after && { before: after }) }, limit);
    },
  }),
  'readAfter includes the entry of its position': (log) => ({
    async readAfter({ after, ...request }, limit) {
      const page = await log.readAfter({ ...request, after }, limit);
      if ('reset' in page || after.offset === 0) return page;
      const own = await log.readBefore({ ...request, before: after, limit: 1 }, limit);
      return 'reset' in own ? page : { ...page, entries: [...own.entries, ...page.entries] };
    },
  }),
  'more is always false': (log) => ({
    async readAfter(request, limit) {
      const page = await log.readAfter(request, limit);
      return 'reset' in page ? page : { ...page, more: false };
    },
  }),
  'more is true for every full page upwards': (log) => ({
    async readAfter(request, limit) {
      const page = await log.readAfter(request, limit);
      if ('reset' in page) return page;
      return { ...page, more: page.more || page.entries.length === request.limit };
    },
  }),
  'more is true for every full page downwards': (log) => ({
    async readBefore(request, limit) {
      const page = await log.readBefore(request, limit);
      if ('reset' in page) return page;
      return { ...page, more: page.more || page.entries.length === request.limit };
    },
  }),
  'the bytes of a page are ignored': (log) => ({
    readAfter: (request, limit) => log.readAfter({ ...request, maxBytes: 1e9 }, limit),
  }),
  'the bytes of a page are characters': (log) => ({
    async readBefore(request, limit) {
      const page = await log.readBefore({ ...request, maxBytes: 1e9 }, limit);
      if ('reset' in page) return page;
      const entries: LogEntry[] = [];
      let length = 0;
      for (const entry of page.entries.toReversed()) {
        length += entry.payload.length;
        if (length > request.maxBytes && entries.length > 0) break;
        entries.unshift(entry);
      }
      return { ...page, entries, more: page.more || entries.length < page.entries.length };
    },
  }),
  'an entry that exceeds the bytes is not returned': (log) => ({
    async readAfter(request, limit) {
      const page = await log.readAfter(request, limit);
      if ('reset' in page) return page;
      const entries = page.entries.filter(
        ({ payload }) => Buffer.byteLength(payload) <= request.maxBytes,
      );
      return { ...page, entries };
    },
  }),
  'the limit is ignored downwards': (log) => ({
    readBefore: (request, limit) => log.readBefore({ ...request, limit: 1e9 }, limit),
  }),
  'maxEntries is ignored': (log) => ({
    readAfter: ({ maxEntries: _maxEntries, ...request }, limit) => log.readAfter(request, limit),
  }),
  'maxEntries is one too many': (log) => ({
    readBefore: ({ maxEntries = 1e9, ...request }, limit) =>
      log.readBefore({ ...request, maxEntries: maxEntries + 1 }, limit),
  }),
  'a trimmed position is answered with what is left': (log) => ({
    async readAfter(request, limit) {
      const page = await log.readAfter(request, limit);
      if (!('reset' in page) || page.reset !== 'trimmed') return page;
      return log.readBefore(request, limit);
    },
  }),
  'a position at the end is answered from any epoch': (log) => ({
    async readAfter(request, limit) {
      const { epoch } = (await log.head(request, limit)).position;
      return log.readAfter({ ...request, after: { ...request.after, epoch } }, limit);
    },
  }),
  'readBefore ignores the epoch of its position': (log) => ({
    async readBefore({ before, ...request }, limit) {
      const { epoch } = (await log.head(request, limit)).position;
      const own = before && { ...before, epoch };
      return log.readBefore({ ...request, ...(own && { before: own }) }, limit);
    },
  }),
  'a position of the future is answered with an empty page': (log) => ({
    async readAfter(request, limit) {
      const page = await log.readAfter(request, limit);
      if (!('reset' in page) || page.reset !== 'forked') return page;
      return { entries: [], more: false, head: page.head };
    },
  }),
  'the tag is not compared': (log) => ({
    async readAfter(request, limit) {
      const page = await log.readAfter(request, limit);
      if (!('reset' in page) || page.reset !== 'forked') return page;
      if (request.after.offset > page.head.position.offset) return page;
      const start = { ...request.after, offset: request.after.offset - 1, tag: '' };
      return log.readAfter({ ...request, after: start }, limit);
    },
  }),
  'the head of an unused channel changes': (log) => {
    let calls = 0;
    return {
      async head(request, limit) {
        const head = await log.head(request, limit);
        calls += 1;
        const epoch = `${calls}`.padStart(12, 'x');
        return head.position.offset > 0 ? head : { position: { ...head.position, epoch } };
      },
    };
  },
  'all logs have the same epoch': (log) => {
    const epoch = 'AAAAAAAAAAAA';
    return {
      async append(request, limit) {
        const result = await log.append(request, limit);
        if (result.result !== 'appended') return result;
        const position = { ...result.entry.position, epoch };
        return { ...result, entry: { ...result.entry, position } };
      },
    };
  },
  'purge does nothing': () => ({ async purge() {} }),
  'purge deletes the log': (log) => {
    const generations = new Map<string, number>();
    const of = <T extends { channel: string }>(request: T): T => ({
      ...request,
      channel: `${request.channel} ${generations.get(request.channel) ?? 0}`,
    });
    return {
      append: (request, limit) => log.append(of(request), limit),
      head: (request, limit) => log.head(of(request), limit),
      readAfter: (request, limit) => log.readAfter(of(request), limit),
      readBefore: (request, limit) => log.readBefore(of(request), limit),
      async purge({ channel }) {
        generations.set(channel, (generations.get(channel) ?? 0) + 1);
      },
    };
  },
  'a purged key returns its payload': (log) => {
    const payloads = new Map<string, string>();
    return {
      async append(request, limit) {
        const name = `${request.channel} ${request.key}`;
        const result = await log.append(request, limit);
        if (result.result !== 'appended') return result;
        const { payload = payloads.get(name) ?? '' } = result.entry;
        payloads.set(name, payload);
        return { ...result, entry: { ...result.entry, payload } };
      },
    };
  },
  'entries expire a second early': everyRequest(({ retentionSeconds }) => ({
    retentionSeconds: retentionSeconds - 1,
  })),
  'entries never expire': everyRequest(() => ({ retentionSeconds: 1e9 })),
  'a log does not live longer for a subscriber': everyRequest(() => ({ keep: false })),
  'a log lives for 30 days, however long its entries': (log, now) => {
    const lastUse = new Map<string, number>();
    const names = new Map<string, string>();
    const of = <T extends { channel: string }>(request: T): T => {
      const last = lastUse.get(request.channel) ?? now();
      lastUse.set(request.channel, now());
      const old = names.get(request.channel) ?? request.channel;
      const name = now() - last > 30 * 86_400_000 ? `${old}'` : old;
      names.set(request.channel, name);
      return { ...request, channel: name };
    };
    return {
      append: (request, limit) => log.append(of(request), limit),
      head: (request, limit) => log.head(of(request), limit),
      readAfter: (request, limit) => log.readAfter(of(request), limit),
      readBefore: (request, limit) => log.readBefore(of(request), limit),
      purge: (request, limit) => log.purge(of(request), limit),
    };
  },
};

const methods = ['append', 'head', 'readAfter', 'readBefore', 'purge'] as const;

describe('messageLogContract()', () => {
  it('passes without a mistake', async () => {
    await expect(failuresOf(() => ({}))).resolves.toEqual([]);
  });

  it.each(Object.entries(mistakes))('E1 catches that %s', async (_name, change) => {
    await expect(failuresOf(change)).resolves.not.toEqual([]);
  });

  it.each(methods)('E2 catches that %s ignores its time limit', async (name) => {
    const failed = await failuresOf((log) => ({
      [name]: (request: never) => (log[name] as (value: never) => unknown)(request),
    }));
    expect(failed.filter((check) => check.startsWith('rejects every call'))).toHaveLength(2);
  });
});
