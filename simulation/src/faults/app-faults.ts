import { type PlantedFault, plant } from './planted-fault.js';

const FRAMEWORK = 'packages/framework/src';
const SUBSCRIBE = `${FRAMEWORK}/dispatch/subscribe.ts`;
const TABLE = 'packages/adapters/src/dynamodb/table.ts';

/** Faults in publish, subscribe and history, and in the store of connections. */
export const appFaults: readonly PlantedFault[] = [
  plant(
    'membership after the log',
    {
      file: SUBSCRIBE,
      find: 'ctx.isRepeated = await this.#joins.join(name);',
      replace: `const early = await catchUp(this.#invocation, name, wish);
      ctx.isRepeated = await this.#joins.join(name);`,
    },
    {
      file: SUBSCRIBE,
      find: 'this.#caughtUp = await catchUp(this.#invocation, name, wish);',
      replace: 'this.#caughtUp = early;',
    },
  ),
  plant('membership read eventually', {
    file: 'packages/adapters/src/dynamodb/subscribers-query.ts',
    find: 'await table.query({',
    replace: 'await table.query({ ConsistentRead: false,',
  }),
  plant(
    'membership read before the append',
    {
      file: `${FRAMEWORK}/publish/publish.ts`,
      find: 'const { entry, isDuplicate, finish } = await append(',
      replace: `Object.assign(invocation.connections, {
        early: await invocation.connections.subscribers(channel, {}, invocation.limit(channel)),
      });
      const { entry, isDuplicate, finish } = await append(`,
    },
    {
      file: `${FRAMEWORK}/deliver/reader.ts`,
      find: 'const page = await connections.subscribers(channel, range, limit);',
      replace: `const { early } = connections as unknown as { early: Page<Subscriber> | undefined };
    const page = early ?? (await connections.subscribers(channel, range, limit));`,
    },
  ),
  plant('membership rows left unprocessed', {
    file: TABLE,
    find: 'pending = output?.UnprocessedItems?.[table] ?? [];',
    replace: 'pending = [];',
  }),
  plant('keys of a batch left unprocessed', {
    file: TABLE,
    find: 'pending = output?.UnprocessedKeys?.[table]?.Keys ?? [];',
    replace: 'pending = [];',
  }),
  plant('no fan-out after a duplicate', {
    file: `${FRAMEWORK}/publish/publish.ts`,
    find: 'entry.payload === undefined\n',
    replace: 'entry.payload === undefined || isDuplicate\n',
  }),
  plant('a failed push removes the subscriber', {
    file: `${FRAMEWORK}/deliver/deliver.ts`,
    find: "if (outcome.result === 'gone') {",
    replace: "if (outcome.result === 'gone' || outcome.result === 'retry') {",
  }),
  plant('sync takes behind for current', {
    file: `${FRAMEWORK}/dispatch/sync.ts`,
    find: "if (position.offset < last.offset) return 'behind';",
    replace: "if (position.offset < last.offset) return 'current';",
  }),
  plant('another id when a message is sent again', {
    file: `${FRAMEWORK}/publish/append.ts`,
    find: 'return hashOf(JSON.stringify([sender, channel, frameId, ordinal]));',
    replace: "return randomBytes(12).toString('base64url');",
  }),
  plant('the frame is not part of the id', {
    file: `${FRAMEWORK}/publish/append.ts`,
    find: 'return hashOf(JSON.stringify([sender, channel, frameId, ordinal]));',
    replace: 'return hashOf(JSON.stringify([sender, channel, ordinal]));',
  }),
  plant('a page that was cut does not say more', {
    file: `${FRAMEWORK}/dispatch/event-list.ts`,
    find: 'this.#more || this.#count < length',
    replace: 'this.#more && this.#count <= length',
  }),
  plant('a page after a position keeps the last events', {
    file: `${FRAMEWORK}/dispatch/history.ts`,
    find: "range.after ? 'first' : 'last'",
    replace: "range.after ? 'last' : 'first'",
  }),
];
