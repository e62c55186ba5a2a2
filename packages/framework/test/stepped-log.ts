import { randomBytes } from 'node:crypto';
import {
  type AppendRequest,
  type AppendResult,
  type LogEntry,
  type LogHead,
  type LogOfChannel,
  type MessageLog,
  type ReadRequest,
  type ReadResult,
  StoreError,
} from '@gatecast/framework';
import { type TimeLimit, withinTime } from '@gatecast/framework/adapter';
import type { LogUnderTest, SteppedLogOptions } from '@gatecast/framework/testing';
import type { Position } from '@gatecast/protocol';

/** Mistakes that the log can contain. */
export type LogMistake =
  | 'the offset is taken before the entry is written'
  | 'the head is written without a condition'
  | 'a repeated write does not look for its key'
  | 'an entry is readable only after its remaining work'
  | 'rows are read before the head'
  | 'a reader skips what is missing'
  | 'purge forgets keys'
  | 'the remaining work brings back a purged payload'
  | 'a twin does not look at the hash'
  | 'the time limit is ignored';

interface Row {
  readonly position: Position;
  readonly at: number;
  readonly hash: string;
  readonly key: string;
  readonly payload: string | undefined;
}

interface Head {
  readonly epoch: string;
  readonly purged: number;
  /** The entries of all keys. A real store would keep the newest here. */
  readonly rows: readonly Row[];
}

/**
 * A log like that of a database: one row for the head, and one for each entry. Each change of them is a separate
 * call. The head contains new entries; the remaining work of an append puts them into rows of their own.
 */
export function steppedLog({ step, now }: SteppedLogOptions, mistake?: LogMistake): LogUnderTest {
  return { log: new SteppedLog(step, now, mistake), async [Symbol.asyncDispose]() {} };
}

class SteppedLog implements MessageLog {
  readonly contract = 1;
  readonly #step: SteppedLogOptions['step'];
  readonly #now: () => number;
  readonly #mistake: LogMistake | undefined;
  readonly #heads = new Map<string, Head>();
  /** The payloads of each channel, by offset; `undefined` after a purge. */
  readonly #rows = new Map<string, Map<number, string | undefined>>();

  constructor(step: SteppedLogOptions['step'], now: () => number, mistake: LogMistake | undefined) {
    this.#step = step;
    this.#now = now;
    this.#mistake = mistake;
  }

  append(request: AppendRequest, limit?: TimeLimit): Promise<AppendResult> {
    return this.#within(limit, async (call) => {
      for (;;) {
        const seen = await this.#readHead(request, call);
        const known = seen.rows.find(({ key }) => key === request.key);
        if (known) return this.#duplicate(request, known, call);
        const row = await this.#commit(request, seen, call);
        if (!row) continue;
        return {
          result: 'appended',
          entry: entryOf(row),
          isDuplicate: false,
          finish: this.#finish(request, row),
        };
      }
    });
  }

  head(request: LogOfChannel, limit?: TimeLimit): Promise<LogHead> {
    return this.#within(limit, async (call) => headOf(await this.#readHead(request, call)));
  }

  readAfter(
    request: ReadRequest & { readonly after: Position },
    limit?: TimeLimit,
  ): Promise<ReadResult> {
    return this.#within(limit, async (call) => {
      const { after } = request;
      const { head, entries } = await this.#read(request, call);
      if (after.epoch !== head.epoch) return { reset: 'epoch', head: headOf(head) };
      const left = head.rows.length - after.offset;
      const own = entries.filter(({ position }) => position.offset > after.offset);
      const isSkipping = this.#makes('a reader skips what is missing');
      if (own.length < left && !isSkipping) return { reset: 'trimmed', head: headOf(head) };
      const page = own.slice(0, request.limit);
      return { entries: page, more: page.length < own.length, head: headOf(head) };
    });
  }

  readBefore(request: ReadRequest, limit?: TimeLimit): Promise<ReadResult> {
    return this.#within(limit, async (call) => {
      const { head, entries } = await this.#read(request, call);
      const last = entries.findLastIndex(
        ({ position }, index) => position.offset + entries.length !== head.rows.length + 1 + index,
      );
      const run = entries.slice(last + 1);
      const page = run.slice(-request.limit);
      return { entries: page, more: page.length < run.length, head: headOf(head) };
    });
  }

  purge({ channel }: LogOfChannel, limit?: TimeLimit): Promise<void> {
    return this.#within(limit, async (call) => {
      const { rows } = await this.#change(channel, call, (old) => ({
        ...old,
        purged: old.rows.length,
        rows: old.rows.map((row) => ({
          ...row,
          payload: undefined,
          ...(this.#makes('purge forgets keys') && { key: '' }),
        })),
      }));
      for (const { position } of rows) {
        await call(() => this.#rowsOf(channel).set(position.offset, undefined));
      }
    });
  }

  #makes(mistake: LogMistake): boolean {
    return this.#mistake === mistake;
  }

  async #duplicate(request: AppendRequest, row: Row, call: Call): Promise<AppendResult> {
    const isOther = row.hash !== request.hash && !this.#makes('a twin does not look at the hash');
    if (isOther && request.onOtherHash === 'refuse') return { result: 'reused' };
    await this.#put(request, row, call);
    const { purged } = await this.#readHead(request, call);
    const isPurged = row.position.offset <= purged;
    const entry = entryOf(isPurged ? { ...row, payload: undefined } : row);
    if (!this.#makes('the remaining work brings back a purged payload')) {
      return { result: 'appended', entry, isDuplicate: true };
    }
    const stored = this.#rowsOf(request.channel).get(row.position.offset);
    return {
      result: 'appended',
      entry: { ...entry, ...(stored !== undefined && { payload: stored }) },
      isDuplicate: true,
    };
  }

  /** Writes an entry into the head, if nobody has changed it since. */
  async #commit(request: AppendRequest, seen: Head, call: Call): Promise<Row | undefined> {
    const { channel, key, hash, payload } = request;
    const row: Row = {
      position: { epoch: seen.epoch, offset: seen.rows.length + 1, tag: key.slice(0, 6) },
      at: this.#now(),
      key,
      hash,
      payload,
    };
    if (this.#makes('the offset is taken before the entry is written')) {
      const { rows } = await this.#change(channel, call, (old) => ({
        ...old,
        rows: [
          ...old.rows,
          {
            ...row,
            position: { ...row.position, offset: old.rows.length + 1 },
            payload: undefined,
          },
        ],
      }));
      const own = { ...(rows.at(-1) as Row), payload };
      await this.#change(channel, call, (old) => ({
        ...old,
        rows: old.rows.map((one) => (one.position.offset === own.position.offset ? own : one)),
      }));
      return own;
    }
    const isFree = this.#makes('the head is written without a condition');
    const isRepeated = this.#makes('a repeated write does not look for its key');
    let result: Row | undefined;
    await this.#change(channel, call, (old) => {
      result = undefined;
      const isKnown = old.rows.some((one) => one.key === key);
      if (isFree) {
        result = row;
        return { ...seen, rows: [...seen.rows, row] };
      }
      if (old.rows.length !== seen.rows.length || old.purged !== seen.purged) {
        if (!isRepeated || !isKnown) return old;
      }
      result = { ...row, position: { ...row.position, offset: old.rows.length + 1 } };
      return { ...old, rows: [...old.rows, result] };
    });
    return result;
  }

  #finish(request: AppendRequest, row: Row): () => Promise<void> {
    return () => this.#put(request, row, (work) => this.#call(work));
  }

  /** Puts the row of an entry, unless it is there. */
  async #put({ channel }: LogOfChannel, { position, payload }: Row, call: Call): Promise<void> {
    const rows = this.#rowsOf(channel);
    const isBlind =
      payload !== undefined && this.#makes('the remaining work brings back a purged payload');
    await call(() => {
      if (isBlind || !rows.has(position.offset)) rows.set(position.offset, payload);
    });
  }

  async #read(request: LogOfChannel, call: Call): Promise<{ head: Head; entries: LogEntry[] }> {
    const { channel } = request;
    const isEarly = this.#makes('rows are read before the head');
    const rows = () => call(() => new Map(this.#rowsOf(channel)));
    const early = isEarly ? await rows() : undefined;
    const head = await this.#readHead(request, call);
    const found = early ?? (await rows());
    const entries = head.rows.flatMap((row) => {
      const isHidden = isEarly || this.#makes('an entry is readable only after its remaining work');
      const { offset } = row.position;
      const isFound = isHidden || found.has(offset);
      const payload = isFound ? found.get(offset) : row.payload;
      if (row.position.offset <= head.purged || payload === undefined) return [];
      return [{ position: row.position, at: row.at, payload }];
    });
    return { head, entries };
  }

  #rowsOf(channel: string): Map<number, string | undefined> {
    const rows = this.#rows.get(channel) ?? new Map<number, string | undefined>();
    this.#rows.set(channel, rows);
    return rows;
  }

  #readHead({ channel }: { readonly channel: string }, call: Call): Promise<Head> {
    return this.#change(channel, call, (old) => old);
  }

  /** Changes the head in one step and returns the new one. */
  #change(channel: string, call: Call, change: (old: Head) => Head): Promise<Head> {
    return call(() => {
      const epoch = randomBytes(9).toString('base64url');
      const head = change(this.#heads.get(channel) ?? { epoch, purged: 0, rows: [] });
      this.#heads.set(channel, head);
      return head;
    });
  }

  /** Calls the engine, and repeats the call if the answer is lost. */
  async #call<T>(work: () => T): Promise<T> {
    const call = () => this.#step(async () => work());
    return call().catch(call);
  }

  /** Runs some work, whose calls of the engine are not made after its end. */
  async #within<T>(limit: TimeLimit = {}, work: (call: Call) => Promise<T>): Promise<T> {
    const isDeaf = this.#makes('the time limit is ignored');
    let isOver = false;
    const call: Call = (one) => {
      return isOver ? new Promise(() => {}) : this.#call(one);
    };
    if (isDeaf) return work(call);
    const makeError = () =>
      StoreError.of({ store: 'stepped', operation: 'use a log', reason: 'it ran out of time' });
    try {
      return await withinTime(work(call), limit, makeError);
    } finally {
      isOver = true;
    }
  }
}

type Call = <T>(work: () => T) => Promise<T>;

function headOf({ epoch, rows }: Head): LogHead {
  return { position: rows.at(-1)?.position ?? { epoch, offset: 0, tag: '' } };
}

function entryOf({
  position,
  at,
  payload,
}: Row): Extract<AppendResult, { result: 'appended' }>['entry'] {
  return { position, at, ...(payload !== undefined && { payload }) };
}
