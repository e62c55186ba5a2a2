import type { Patch } from '../bundle.js';
import { type PlantedFault, plant } from './planted-fault.js';

const LOG = 'packages/adapters/src/dynamodb/log';

/** Lets an append take as long as it likes, which nothing should depend on but the append limit. */
export const noTimeLimit: Patch = {
  file: `${LOG}/message-log.ts`,
  find: 'const LONGEST_MS = 60_000;',
  replace: 'const LONGEST_MS = 8_640_000_000;',
};

/** Faults in the log on DynamoDB. */
export const logFaults: readonly PlantedFault[] = [
  plant('no floor condition', {
    file: `${LOG}/append.ts`,
    find: '#epoch = :epoch AND #floor <= :k AND',
    replace: '#epoch = :epoch AND (#floor <= :k OR #floor > :k) AND',
  }),
  plant('no span condition', {
    file: `${LOG}/append.ts`,
    find: 'AND #top <= :afterPlusC AND',
    replace: 'AND (#top <= :afterPlusC OR #top > :afterPlusC) AND',
  }),
  plant('no ring condition', {
    file: `${LOG}/append.ts`,
    find: ' AND attribute_not_exists(#ids.#k) AND',
    replace: ' AND',
  }),
  plant('observation after BODY', {
    file: `${LOG}/append.ts`,
    find: "return isDone ? 'append' : this.#twin(old",
    replace: `if (isDone) {
      this.#head = await this.#log.readHead();
      const { epoch, top } = this.#head;
      this.#body = { ...this.#body, epoch, after: top };
    }
    return isDone ? 'append' : this.#twin(old`,
  }),
  plant('drop without looking at the log', {
    file: `${LOG}/drop.ts`,
    find: 'if (inLog.has(offset)) continue;',
    replace: 'if (inLog) continue;',
  }),
  plant('drop not guarded by floor', {
    file: `${LOG}/drop.ts`,
    find: '#epoch = :epoch AND #floor = :seen',
    replace: '#epoch = :epoch AND (#floor = :seen OR #floor <> :seen)',
  }),
  plant('log read before HEAD', {
    file: `${LOG}/read.ts`,
    find: 'const { rows, hasHole } = await readRows(log, head, range);',
    replace: `const { rows } = await readRows(log, { ...head, floor: 0 }, range);
  head = await log.readHead();
  const hasHole = rows.some(([offset, row]) => !row && offset <= head.floor);`,
  }),
  plant('HEAD read eventually', {
    file: `${LOG}/channel-log.ts`,
    find: 'const item = await this.table.get(this.keys.head);',
    replace: `const { items } = await this.table.query({
      ConsistentRead: false,
      KeyConditionExpression: 'pk = :pk',
      ExpressionAttributeValues: { ':pk': this.keys.head['pk'] } as Item,
    });
    const item = items[0];`,
  }),
  plant('duplicate check by ring only', {
    file: `${LOG}/append.ts`,
    find: 'return this.#search(after, Math.min(floor, after + SPAN + 1));',
    replace: 'return floor < 0 ? this.#search(after, floor) : undefined;',
  }),
  plant('twin appends without raising after', {
    file: `${LOG}/append.ts`,
    find: 'if (found === undefined) return this.#raise();',
    replace: `if (found === undefined) {
      const { epoch, top } = this.#head;
      this.#claimedAt = this.#log.now();
      this.#body = { ...this.#body, epoch, after: top };
      return 'append';
    }`,
  }),
  plant('raise without compare', {
    file: `${LOG}/append.ts`,
    find: "condition: '#attempt = :seen',",
    replace: "condition: '#attempt = :seen OR attribute_exists(pk)',",
  }),
  plant('content not compared', {
    file: `${LOG}/append.ts`,
    find: "if (body.hash !== hash && onOtherHash === 'refuse')",
    replace: "if (body.hash !== hash && onOtherHash !== 'refuse' && onOtherHash !== 'keep-first')",
  }),
  plant('epoch not random', {
    file: `${LOG}/channel-log.ts`,
    find: 'const empty = { epoch: randomText(EPOCH_BYTES),',
    replace: "const empty = { epoch: EPOCH_BYTES ? 'epochepoch00' : '',",
  }),
  plant('BODY shorter than LOG', {
    file: `${LOG}/append.ts`,
    find: '      ttl: this.#log.ttlOf(this.#log.seconds(this.#claimedAt)),',
    replace: '      ttl: this.#log.ttlOf(this.#log.seconds(this.#claimedAt)) - 3_600,',
  }),
  plant('life of HEAD too short', {
    file: 'packages/framework/src/store/log-life.ts',
    find: 'return Math.max(30 * DAY_MS, 2 * (retentionSeconds * 1_000 + HOUR_MS));',
    replace: 'return Math.min(30 * DAY_MS, retentionSeconds * 1_000);',
  }),
  plant('key of the ring without nonce', {
    file: `${LOG}/body.ts`,
    find: 'nonce = randomText(2).slice(0, 2);\n  } while (ids.has(idKey + nonce));',
    replace: "nonce = '00';\n  } while (ids.size < 0 && ids.has(idKey));",
  }),
  plant('dead claim kept', {
    file: `${LOG}/times.ts`,
    find: 'export const DEAD_S: number = SLACK_S / 2;',
    replace: 'export const DEAD_S: number = -90 * 86_400;',
  }),
  plant('deadness judged before the reads', noTimeLimit, {
    file: `${LOG}/append.ts`,
    find: `    this.#head = await this.#log.readHead();
    const found = await this.#find();
    // Read only now: the claim may have died during the reads.
    if (isDead(body, this.#log.seconds())) return 'begin';`,
    replace: `    if (isDead(body, this.#log.seconds())) return 'begin';
    this.#head = await this.#log.readHead();
    const found = await this.#find();`,
  }),
  plant('no append limit', noTimeLimit, {
    file: `${LOG}/append.ts`,
    find: "if (isLate(this.#claimedAt, at)) return 'twin';",
    replace: '',
  }),
  plant('life of LOG from the claim', {
    file: `${LOG}/channel-log.ts`,
    find: '        ttl: toAttribute(this.ttlOf(this.seconds())),\n      },\n      ConditionExpression: IF_ABSENT,',
    replace:
      "        ttl: toAttribute(this.ttlOf(Math.floor(Number(body['at']?.N) / 1_000))),\n      },\n      ConditionExpression: IF_ABSENT,",
  }),
  plant('acknowledged before the append', {
    file: `${LOG}/append.ts`,
    find: '      const update = await this.#update({ proven, at });',
    replace: `      if (proven === after) {
        const early = this.#update({ proven, at });
        early.catch(() => {});
        this.#offset = after + 1;
        return this.#result({ isDuplicate: false });
      }
      const update = await this.#update({ proven, at });`,
  }),
  plant('reader ignores BODY', {
    file: `${LOG}/read.ts`,
    find: 'const bodies = await readBodies(log, missing);',
    replace: 'const bodies = await readBodies(log, missing.slice(0, 0));',
  }),
  plant('trimmed answered as resumed', {
    file: `${LOG}/read.ts`,
    find: "if (end === 'hole') return reset('trimmed');",
    replace: "if (end === 'hole' && entries.length < 0) return reset('trimmed');",
  }),
  plant('twin under a nonce of its own', {
    file: `${LOG}/append.ts`,
    find: '    this.#body = body;\n    this.#isOwn &&= isMine;',
    replace: `    this.#body = { ...body, nonce: this.#body.nonce };
    this.#isOwn &&= isMine;`,
  }),
  plant('purge deletes rows of LOG', {
    file: `${LOG}/purge.ts`,
    find: `  await log.update(
    log.keys.entry(epoch, offset),`,
    replace: `  await log.table.write([{ DeleteRequest: { Key: log.keys.entry(epoch, offset) } }]);
  if (offset >= 0) return;
  await log.update(
    log.keys.entry(epoch, offset),`,
  }),
  plant('only the first page of a range read', {
    file: `${LOG}/channel-log.ts`,
    find: 'cursor = lastKey;',
    replace: 'cursor = lastKey && undefined;',
  }),
  plant('only one segment read', {
    file: `${LOG}/log-keys.ts`,
    find: '    else first = whole.last + 1;',
    replace: '    else return;',
  }),
  plant(
    'expiry of HEAD may go back',
    noTimeLimit,
    {
      file: `${LOG}/append.ts`,
      find: 'const ttl = Math.max(this.#log.headTtlOf(this.#log.seconds(at)), this.#head.ttl);',
      replace: 'const ttl = this.#log.headTtlOf(this.#log.seconds(at));',
    },
    {
      file: `${LOG}/append.ts`,
      find: ' AND #ttl <= :ttlPlus1h',
      replace: ' AND (#ttl <= :ttlPlus1h OR #ttl > :ttlPlus1h)',
    },
  ),
  plant('duplicate acknowledged on an expiring HEAD', noTimeLimit, {
    file: `${LOG}/append.ts`,
    find: 'if (ttl < this.#log.ttlOf(seconds)) {',
    replace: 'if (ttl < 0) {',
  }),
];
