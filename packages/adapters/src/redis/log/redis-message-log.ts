import { randomBytes } from 'node:crypto';
import type {
  AppendRequest,
  AppendResult,
  LogEntry,
  LogHead,
  LogOfChannel,
  LogPage,
  MessageLog,
  Position,
  ReadRequest,
  ReadResult,
  ResetReason,
} from '@gatecast/framework';
import { logLifeMs, type TimeLimit } from '@gatecast/framework/adapter';
import type { RedisKeys } from '../redis-keys.js';
import type { RedisLink } from '../redis-link.js';
import { inGroups } from '../scripts.js';
import { appendScript, audienceScript, readScript } from './log-scripts.js';

/** An append with every so many offsets also saves the estimate of the audience. */
const AUDIENCE_EVERY = 12;

/** What a read asks the script for. */
interface Read extends LogOfChannel, Pick<ReadRequest, 'keep'> {
  readonly limit: number;
  readonly maxBytes: number;
  /** 1 to read onwards, -1 to read backwards. */
  readonly step: 1 | -1;
  readonly position?: Position | undefined;
}

interface Audience {
  readonly channel: string;
  readonly audience: Promise<number | undefined>;
  readonly limit: TimeLimit | undefined;
}

/** The logs of channels in Redis. `log-scripts.ts` describes the keys. */
export class RedisMessageLog implements MessageLog {
  readonly contract = 1;
  readonly #link: RedisLink;
  readonly #keys: RedisKeys;
  readonly #now: () => number;

  constructor({ link, keys, now }: { link: RedisLink; keys: RedisKeys; now: () => number }) {
    this.#link = link;
    this.#keys = keys;
    this.#now = now;
  }

  append(request: AppendRequest, limit?: TimeLimit): Promise<AppendResult> {
    return this.#link.during('append an event', limit, async (call) => {
      const { channel, key, hash, payload, onOtherHash } = request;
      const keys = [...this.#log(channel), this.#keys.of('k', channel, key)];
      const [kind, epoch = '', offset, tag = '', prev = '', at, kept] = await call.run(
        appendScript,
        keys,
        () => [
          ...this.#settings(request),
          key,
          call.id,
          hash,
          payload,
          onOtherHash === 'refuse' ? 1 : 0,
        ],
      );
      if (kind === undefined) return { result: 'reused' };
      const position = { epoch, offset: Number(offset), tag };
      const text = kind === 'new' ? payload : kept;
      return {
        result: 'appended',
        entry: { position, at: Number(at), prev, ...(text !== undefined && { payload: text }) },
        isDuplicate: kind === 'known',
        ...(kind === 'new' &&
          position.offset % AUDIENCE_EVERY === 1 && {
            finish: (audience) => this.#saveAudience(position, { channel, audience, limit }),
          }),
      };
    });
  }

  async head(
    request: LogOfChannel & Pick<ReadRequest, 'keep'>,
    limit?: TimeLimit,
  ): Promise<LogHead> {
    const read = { ...request, limit: 0, maxBytes: 0, step: -1 } as const;
    return (await this.#read('read the end of a log', read, limit)).head;
  }

  readAfter(
    request: ReadRequest & { readonly after: Position },
    limit?: TimeLimit,
  ): Promise<ReadResult> {
    return this.#read('read a log', { ...request, step: 1, position: request.after }, limit);
  }

  async readBefore(
    request: ReadRequest & { readonly before?: Position },
    limit?: TimeLimit,
  ): Promise<ReadResult> {
    const read = { ...request, step: -1, position: request.before } as const;
    const result = await this.#read('read a log', read, limit);
    return 'reset' in result ? result : { ...result, entries: result.entries.toReversed() };
  }

  purge({ channel }: LogOfChannel, limit?: TimeLimit): Promise<void> {
    return this.#link.during('purge a log', limit, async (call) => {
      const [, stream] = this.#log(channel);
      await call.send((client) => client.unlink(stream));
    });
  }

  async #saveAudience({ epoch }: Position, { channel, audience, limit }: Audience): Promise<void> {
    try {
      const estimate = await audience;
      if (estimate === undefined) return;
      const [head] = this.#log(channel);
      await this.#link.during('save the audience of a channel', limit, (call) =>
        call.run(audienceScript, [head], () => [epoch, estimate]),
      );
    } catch {
      // Readers use the estimate before this one.
    }
  }

  #read(operation: string, read: Read, limit?: TimeLimit): Promise<ReadResult> {
    return this.#link.during(operation, limit, async (call) => {
      const { keep, position, step } = read;
      const [epoch = '', top, tag = '', audience, reset, more, ...found] = await call.run(
        readScript,
        this.#log(read.channel),
        () => {
          const settings = this.#settings(read);
          const leastMs = keep ? logLifeMs(read) / 2 : 0;
          const most = [read.maxEntries ?? '', read.limit, read.maxBytes];
          const place = position ? [position.epoch, position.offset, position.tag] : [''];
          return [...settings, leastMs, ...most, step, ...place];
        },
      );
      const head: LogHead = {
        position: { epoch, offset: Number(top), tag },
        ...(audience && { audience: Number(audience) }),
      };
      if (reset) return { reset: reset as ResetReason, head };
      const entries = inGroups(found, 5).map((values) => entryOf(epoch, values));
      return { entries, more: more === '1', head } satisfies LogPage;
    });
  }

  #log(channel: string): [head: string, stream: string] {
    return [this.#keys.of('h', channel), this.#keys.of('l', channel)];
  }

  /** The arguments that append and read have in common. */
  #settings(log: LogOfChannel): readonly (string | number)[] {
    const epoch = randomBytes(9).toString('base64url');
    const retentionMs = log.retentionSeconds * 1_000;
    return [epoch, logLifeMs(log), this.#now(), retentionMs];
  }
}

function entryOf(
  epoch: string,
  [offset, tag = '', prev = '', at, payload = '']: string[],
): LogEntry {
  return { position: { epoch, offset: Number(offset), tag }, at: Number(at), payload, prev };
}
