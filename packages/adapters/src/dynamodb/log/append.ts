import type { AppendRequest, AppendResult } from '@gatecast/framework';
import { type Item, toItem } from '../attributes.js';
import type { Updated } from '../table.js';
import { type Body, freshNonce, isDead, randomText, toBody } from './body.js';
import type { ChannelLog } from './channel-log.js';
import { drop, isDropDue } from './drop.js';
import type { Head } from './head.js';
import { tagOf } from './log-keys.js';
import { APPEND_WITHIN_MS, DEAD_S } from './times.js';

/** C: how far the log may have grown since a claim for the append to be made. It may only grow, up to 350. */
const SPAN = 64;
const ATTEMPT_BYTES = 6;

/** What comes next: a step, or the result. */
type Next = 'begin' | 'twin' | 'append' | 'duplicate' | AppendResult;

/** Opens the log for an operation of its own. */
export type Reopen = () => Promise<ChannelLog>;

/**
 * One append, in the steps of a claim, an update of HEAD and a put of the entry. The comments of the steps
 * say what another order or condition would break: change none of them without the simulator.
 *
 * BODY is the claim of the id, and says up to which offset the log surely does not have it (`after`). HEAD
 * takes an entry only if nothing behind that offset has left its ring, which shows the entries behind it.
 * So an id gets one offset, however often, late or twice the calls arrive.
 */
export class Append {
  readonly #log: ChannelLog;
  readonly #request: AppendRequest;
  readonly #reopen: Reopen;
  /** HEAD as it was seen last. */
  #head!: Head;
  /** BODY as it was seen or written last; the entry is made from it. */
  #body!: Body;
  /** When the claim was made, in milliseconds. */
  #claimedAt = 0;
  /** Whether BODY is this publisher's claim, as far as it knows. */
  #isOwn = false;
  /** The offset of the id, once it is known. */
  #offset = 0;

  constructor(log: ChannelLog, request: AppendRequest, reopen: Reopen) {
    this.#log = log;
    this.#request = request;
    this.#reopen = reopen;
  }

  async run(): Promise<AppendResult> {
    let next = await this.#begin(this.#log.recentHead());
    for (;;) {
      switch (next) {
        case 'begin':
          next = await this.#begin();
          break;
        case 'twin':
          next = await this.#twin(await this.#readBody());
          break;
        case 'append':
          next = await this.#append();
          break;
        case 'duplicate':
          next = await this.#duplicate();
          break;
        default:
          return next;
      }
    }
  }

  /** Steps 1 and 2: sees HEAD, and claims the id. HEAD is first, so that it is not newer than the claim. */
  async #begin(recent?: Head): Promise<Next> {
    this.#head = recent ?? (await this.#log.readHead());
    this.#claimedAt = this.#log.now();
    const { key, hash, payload } = this.#request;
    const nonce = freshNonce(key, this.#head.ids);
    const content = { nonce, hash, payload, at: this.#claimedAt };
    const body = { ...this.#bodyKey, ...toItem({ ...content, ...this.#claim() }) };
    const dead = this.#log.seconds(this.#claimedAt) + DEAD_S;
    const { isDone, old } = await this.#log.putBody(body, dead);
    this.#body = toBody(body);
    this.#isOwn = true;
    return isDone ? 'append' : this.#twin(old ?? (await this.#readBody()), true);
  }

  /**
   * Step 3: the id is claimed, by another publisher, an earlier attempt, or this one some time ago. Looks for
   * the entry; if it is not in the log, raises the claim to the end of the log. From here on the content and
   * the nonce are those of BODY: under another nonce the entry could be appended twice.
   *
   * @param isFresh - Whether a claim of one's own is as good as one just made.
   */
  async #twin(item: Item | undefined, isFresh = false): Promise<Next> {
    if (!item) return 'begin';
    const body = toBody(item);
    const isMine = body.attempt === this.#body.attempt;
    this.#body = body;
    this.#isOwn &&= isMine;
    if (isMine && isFresh) return 'append';
    this.#head = await this.#log.readHead();
    const found = await this.#find();
    // Read only now: the claim may have died during the reads.
    if (isDead(body, this.#log.seconds())) return 'begin';
    const { hash, onOtherHash } = this.#request;
    if (body.hash !== hash && onOtherHash === 'refuse') return { result: 'reused' };
    if (found === undefined) return this.#raise();
    this.#offset = found;
    return 'duplicate';
  }

  /** Step 3(c): the offset of the id, if the log has it. */
  async #find(): Promise<number | undefined> {
    const { epoch, floor, ids } = this.#head;
    const { after } = this.#body;
    const offset = ids.get(this.#ringKey);
    if (offset !== undefined) return offset;
    if (after === undefined || this.#body.epoch !== epoch) return undefined;
    return this.#search(after, Math.min(floor, after + SPAN + 1));
  }

  /** Looks for the id in LOG, behind `after` up to `to`. */
  async #search(after: number, to: number): Promise<number | undefined> {
    const ringKeys = await this.#log.ringKeys(this.#head.epoch, after, to);
    return [...ringKeys].find(([, ringKey]) => ringKey === this.#ringKey)?.[0];
  }

  /** Step 3(g): the log does not have the id up to its end, so the claim can say so. */
  async #raise(): Promise<Next> {
    this.#claimedAt = this.#log.now();
    const seen = this.#body;
    const claim = this.#claim();
    const { isDone, old } = await this.#log.update(
      this.#bodyKey,
      'SET #epoch = :epoch, #after = :after, #attempt = :attempt, #ttl = :ttl',
      { condition: '#attempt = :seen', values: { ...claim, seen: seen.attempt } },
    );
    this.#body = toBody({ ...seen.item, ...toItem(claim) });
    if (isDone || old?.['attempt']?.S === this.#body.attempt) return 'append';
    return this.#twin(await this.#readBody(), !old);
  }

  /** Step 4: puts the id at the end of the log. Each failed try proves the log up to a later offset. */
  async #append(): Promise<Next> {
    const { table, keys } = this.#log;
    const { epoch, after = 0 } = this.#body;
    for (let proven = after; ; proven = this.#head.top) {
      const at = this.#log.now();
      if (isLate(this.#claimedAt, at)) return 'twin';
      const update = await this.#update({ proven, at });
      if (update.isDone) {
        this.#head = this.#log.observe(update.attributes, at, 1);
        return this.#committed();
      }
      const item = update.old ?? (await table.get(keys.head));
      if (!item) return 'twin';
      this.#head = this.#log.observe(item, at);
      const { floor, top, ids } = this.#head;
      if (this.#head.epoch !== epoch) return 'twin';
      let offset = ids.get(this.#ringKey);
      if (offset === undefined && top > after + SPAN) return 'twin';
      if (floor > proven) offset ??= await this.#search(proven, floor);
      if (offset !== undefined) {
        this.#offset = offset;
        return 'duplicate';
      }
    }
  }

  #update({ proven, at }: { proven: number; at: number }): Promise<Updated> {
    const { epoch = '', after = 0 } = this.#body;
    const ttl = Math.max(this.#log.headTtlOf(this.#log.seconds(at)), this.#head.ttl);
    return this.#log.update(
      this.#log.keys.head,
      'SET #ids.#k = #top + :one, #top = #top + :one, #ttl = :ttl',
      {
        condition:
          '#epoch = :epoch AND #floor <= :k AND #top <= :afterPlusC AND attribute_not_exists(#ids.#k) AND #ttl <= :ttlPlus1h',
        values: { one: 1, ttl, epoch, k: proven, afterPlusC: after + SPAN, ttlPlus1h: ttl + 3_600 },
        names: { k: this.#ringKey },
        ReturnValues: 'ALL_NEW',
      },
    );
  }

  /** Step 5: the entry is in the log, and readers find it in BODY until the put of step 7. */
  async #committed(): Promise<AppendResult> {
    this.#offset = this.#head.top;
    if (!isLate(this.#claimedAt, this.#log.now()))
      return this.#result({ isDuplicate: false, finish: this.#finish });
    await this.#finish(Promise.resolve(undefined)).catch(() => {});
    return { result: 'unknown' };
  }

  /** Step 6: the id has an offset. Whoever appended it may have died before anything else. */
  async #duplicate(): Promise<Next> {
    const begunAt = this.#log.now();
    const seconds = this.#log.seconds(begunAt);
    const { epoch, ttl } = this.#head;
    if (ttl < this.#log.ttlOf(seconds)) {
      const { isDone, old } = await this.#log.lengthen(this.#head, this.#log.headTtlOf(seconds));
      if (!isDone) {
        const item = old ?? (await this.#log.table.get(this.#log.keys.head));
        if (item?.['epoch']?.S !== epoch) return 'begin';
      }
    }
    await this.#putEntry(this.#log);
    if (isLate(begunAt, this.#log.now())) return { result: 'unknown' };
    return this.#result({ isDuplicate: !this.#isOwn });
  }

  /** Steps 7 and 8. Readers find the entry in BODY until then. */
  readonly #finish = async (audience: Promise<number | undefined>): Promise<void> => {
    await this.#putEntry(await this.#reopen());
    if (!isDropDue(this.#head)) return;
    const estimate = await audience.catch(() => undefined);
    await drop(await this.#reopen(), this.#head, estimate);
  };

  #putEntry(log: ChannelLog): Promise<Updated> {
    return log.putEntry(this.#head.epoch, this.#offset, [this.#ringKey, this.#body.item]);
  }

  #result(rest: {
    isDuplicate: boolean;
    finish?: (audience: Promise<number | undefined>) => Promise<void>;
  }): AppendResult {
    const { at, payload } = this.#body.item;
    const position = {
      epoch: this.#head.epoch,
      offset: this.#offset,
      tag: tagOf(this.#ringKey),
    };
    return {
      result: 'appended',
      entry: {
        position,
        at: Number(at?.N),
        ...(payload?.S !== undefined && { payload: payload.S }),
      },
      ...rest,
    };
  }

  /** The attributes of a claim that is made now. */
  #claim(): object {
    return {
      epoch: this.#head.epoch,
      after: this.#head.top,
      attempt: randomText(ATTEMPT_BYTES),
      ttl: this.#log.ttlOf(this.#log.seconds(this.#claimedAt)),
    };
  }

  #readBody(): Promise<Item | undefined> {
    return this.#log.table.get(this.#bodyKey);
  }

  get #bodyKey(): Item {
    return this.#log.keys.body(this.#request.key);
  }

  get #ringKey(): string {
    return this.#request.key + this.#body.nonce;
  }
}

/** Whether a step that begins now is too late, in milliseconds. */
function isLate(since: number, now: number): boolean {
  return now > since + APPEND_WITHIN_MS;
}
