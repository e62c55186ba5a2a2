import { defineChannel } from '@gatecast/framework';
import {
  createTestApp,
  makeAuthorizerEvent,
  makeConnectEvent,
  makeDisconnectEvent,
  makeMessageEvent,
} from '@gatecast/framework/testing';
import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { listen } from './heard.js';

function makeApp() {
  const handled = vi.fn();
  const room = defineChannel('room', {
    access: 'public',
    autoSubscribe: true,
    onConnect: handled,
    onSubscribe: handled,
    onDisconnect: handled,
    messages: ({ message }) => ({ post: message(handled) }),
  });
  const ear = listen();
  const app = createTestApp({
    channels: [room],
    authorizer: () => ({ userId: 'ann' }),
    plugins: [ear.plugin],
  });
  return { store: app.store, handler: app.app.handler, handled, ear };
}

const schedule = {
  version: '0',
  id: 'b9cd9a2e',
  'detail-type': 'Scheduled Event',
  source: 'aws.events',
  account: '123456789012',
  time: '2026-01-01T00:00:00Z',
  region: 'eu-central-1',
  resources: ['arn:aws:events:eu-central-1:123456789012:rule/warm'],
  detail: {},
};

describe('B12 an event that keeps the function warm', () => {
  it.each<[string, object]>([
    ['a schedule of EventBridge', schedule],
    ['EventBridge Scheduler', { ...schedule, source: 'aws.scheduler' }],
    ['a schedule with an input of its own', { source: 'aws.events' }],
    ['the plugin of the Serverless Framework', { source: 'serverless-plugin-warmup' }],
    ["one of Gatecast's own", { source: 'gatecast.warm-up' }],
  ])('B12 is only answered: %s', async (_what, event) => {
    const { handler, handled, store, ear } = makeApp();
    const connect = vi.spyOn(store.connections, 'connect');
    expect(await handler(event)).toEqual({ statusCode: 200 });
    expect(handled).not.toHaveBeenCalled();
    expect(connect).not.toHaveBeenCalled();
    expect(ear.errors).toEqual([]);
  });
});

const http = {
  version: '2.0',
  routeKey: 'GET /',
  rawPath: '/',
  headers: {},
  requestContext: { apiId: 'a', stage: '$default', http: { method: 'GET', path: '/' } },
  isBase64Encoded: false,
};

describe('B12 an event of another source', () => {
  it.each<[unknown]>([
    [undefined],
    [null],
    [''],
    ['{}'],
    [42],
    [true],
    [[]],
    [{}],
    [{ requestContext: {} }],
    [{ requestContext: null }],
    [{ requestContext: { eventType: 'CONNECT' } }],
    [{ source: 'aws.ec2', 'detail-type': 'EC2 Instance State-change Notification' }],
    [{ ...schedule, 'detail-type': 'Health Event' }],
    [{ source: 'warm' }],
    [{ Records: [{ eventSource: 'aws:sqs', body: '{}' }] }],
    [{ Records: [{ eventSource: 'aws:dynamodb', dynamodb: {} }] }],
    [{ type: 'TOKEN', methodArn: 'arn:aws:execute-api:a:1:b/c/d', authorizationToken: 'x' }],
    [{ httpMethod: 'GET', path: '/', requestContext: { stage: 'dev', apiId: 'a' } }],
    [http],
  ])('B12 is refused with its keys: %j', async (event) => {
    const { handler, handled } = makeApp();
    await expect(handler(event)).rejects.toMatchObject({
      name: 'UsageError',
      code: 'ERR_EVENT_UNKNOWN',
    });
    expect(handled).not.toHaveBeenCalled();
  });

  it.each([
    [{}, 'none'],
    [[], 'none'],
    [undefined, 'none'],
    [null, 'none'],
    [7, 'none'],
    ['text', 'none'],
    [{ a: 1, b: 2 }, 'a, b'],
  ])('B12 %j is named by its keys', async (event, keys) => {
    await expect(makeApp().handler(event)).rejects.toThrow(`(keys: ${keys})`);
  });
});

const token = { gatecast: '{"userId":"ann"}' };
const needed = ['eventType', 'connectionId', 'connectedAt', 'apiId', 'stage'];
const events: [string, () => object][] = [
  ['a $connect', () => makeConnectEvent({ authorizer: token })],
  ['a message', () => makeMessageEvent({ authorizer: token, body: '{"action":"room.post"}' })],
  ['a $disconnect', () => makeDisconnectEvent({ authorizer: token })],
  ['an authorizer', () => makeAuthorizerEvent()],
];

describe.each(events)('B12 %s event', (_what, make) => {
  const changed = (key: string, value: unknown) => {
    const event = structuredClone(make()) as { requestContext: Record<string, unknown> };
    event.requestContext[key] = value;
    return event;
  };

  it.each(needed.flatMap((key) => [undefined, null, {}, [], true].map((value) => [key, value])))(
    'B12 whose %s is %j is refused at once',
    async (key, value) => {
      const { handler, handled, store } = makeApp();
      await expect(handler(changed(key as string, value))).rejects.toMatchObject({
        code: 'ERR_EVENT_UNKNOWN',
      });
      expect(handled).not.toHaveBeenCalled();
      expect((await store.connections.subscribers('room')).items).toEqual([]);
    },
  );

  it('B12 with an empty connection id is refused', async () => {
    await expect(makeApp().handler(changed('connectionId', ''))).rejects.toMatchObject({
      code: 'ERR_EVENT_UNKNOWN',
    });
  });

  it('B12 with random parts never stores a nameless connection or one of an app without an authorizer', async () => {
    const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constant(undefined));
    const paths = [...pathsIn(make())];
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...paths), value, async (path, given) => {
        const { handler, store } = makeApp();
        const event = put(structuredClone(make()), path, given);
        const failure = await handler(event).then(
          () => 'Unauthorized',
          (error: Error) => error.message,
        );
        expect(failure).toMatch(/event it does not know|^Unauthorized$|authorizer failed/);
        for (const { connectionId, userId } of (await store.connections.subscribers('room'))
          .items) {
          expect(connectionId).toMatch(/./);
          expect(userId).toBe('ann');
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe('B12 an event that is almost one of a WebSocket API', () => {
  const authorizing = makeAuthorizerEvent();
  const message = makeMessageEvent({ authorizer: token, body: '{"action":"ping"}' });
  const { requestContext } = message;

  it.each<[string, object]>([
    ['an authorizer event of another type', { ...authorizing, type: 'TOKEN' }],
    ['an authorizer event without an ARN', { ...authorizing, methodArn: undefined }],
    [
      'an authorizer event of a message',
      { ...authorizing, requestContext: { ...authorizing.requestContext, eventType: 'MESSAGE' } },
    ],
    ['a body that is not a string', { ...message, body: { action: 'ping' } }],
    [
      'a context that is a string',
      { ...message, requestContext: { ...requestContext, authorizer: 'ann' } },
    ],
    [
      'a client that is a string',
      { ...message, requestContext: { ...requestContext, identity: 'ann' } },
    ],
  ])('B12 is refused: %s', async (_what, event) => {
    await expect(makeApp().handler(event)).rejects.toMatchObject({ code: 'ERR_EVENT_UNKNOWN' });
  });

  it('B12 may have no body, or null', async () => {
    const event = makeConnectEvent({ authorizer: token });
    for (const body of [null, undefined]) {
      expect(await makeApp().handler({ ...event, body })).toEqual({ statusCode: 200 });
    }
  });
});

/** The paths in a value, as lists of keys. */
function* pathsIn(value: unknown, path: readonly string[] = []): Generator<readonly string[]> {
  if (path.length > 0) yield path;
  // identity.test.ts tests the contents of the identity.
  if (typeof value !== 'object' || value === null || path.at(-1) === 'authorizer') return;
  for (const [key, inner] of Object.entries(value)) yield* pathsIn(inner, [...path, key]);
}

function put<T extends object>(root: T, path: readonly string[], value: unknown): T {
  const place = path.slice(0, -1).reduce<object>((at, key) => at[key as never], root);
  return Object.assign(place, { [path.at(-1) as string]: value }) && root;
}
