import {
  ClientError,
  defineChannel,
  event,
  type MessageContext,
  memoryStore,
  type Plugin,
} from '@gatecast/framework';
import {
  createTestApp,
  makeAuthorizerEvent,
  type TestAppSettings,
} from '@gatecast/framework/testing';
import { describe, expect, it, vi } from 'vitest';
import type { EventInvocation } from '../src/dispatch/app-invocation.js';
import { authorizeChannel } from '../src/dispatch/authorize-channel.js';
import { eventOf } from './lambda.js';

/** A test app, and the errors that it reports. */
function makeApp(channels: readonly object[], settings: TestAppSettings = {}) {
  const reports: { error: unknown; isAnswered: boolean }[] = [];
  const plugin: Plugin = {
    name: 'errors',
    onError: (error, { isAnswered }) => void reports.push({ error, isAnswered }),
  };
  return { test: createTestApp({ channels, ...settings, plugins: [plugin] }), reports };
}

describe('A19 the decision about a channel', () => {
  /** Decides for a guest. Returns the code of the refusal; `undefined` if it has access. */
  function decide(access: unknown, operation: string, hasAuthorizer = false): unknown {
    const match = { value: { options: { access } }, params: {} };
    const core = {
      table: { find: () => match },
      authorizer: hasAuthorizer ? () => ({}) : undefined,
    };
    const invocation = { core, connection: { id: 'c1' } } as unknown as EventInvocation;
    try {
      return authorizeChannel(invocation, 'rooms/1', operation as 'message') === match
        ? undefined
        : 'later';
    } catch (error) {
      return ClientError.is(error) ? error.code : error;
    }
  }

  it('A19 refuses operations that it does not know, even in a public channel', () => {
    for (const access of ['public', undefined, () => true]) {
      for (const operation of ['presence', '', 'Subscribe']) {
        expect(decide(access, operation)).toBe('ERR_FORBIDDEN');
      }
      for (const operation of ['subscribe', 'message', 'history']) {
        expect(decide(access, operation)).toBeUndefined();
      }
    }
  });

  it('A19 keeps guests out of a channel without a rule if the app has an authorizer', () => {
    expect(decide(undefined, 'subscribe', true)).toBe('ERR_FORBIDDEN');
    expect(decide('authenticated', 'subscribe', true)).toBe('ERR_FORBIDDEN');
    expect(decide('public', 'subscribe', true)).toBeUndefined();
  });

  it('A19 is not bypassed by a message of another class', async () => {
    const handled = vi.fn();
    const open = defineChannel('open', {
      access: 'public',
      messages: ({ message }) => ({ say: message(handled) }),
    });
    const closed = defineChannel('closed', { access: 'public' });
    const ann = await makeApp([open, closed]).test.connect();
    expect(await ann.send('open.say', 'closed')).toMatchObject({
      error: {
        code: 'ERR_CHANNEL_UNKNOWN',
        message: 'The channel "closed" has no message "open.say".',
      },
    });
    expect(handled).not.toHaveBeenCalled();
  });
});

describe('a handshake', () => {
  it.each([
    ['ERR_UNAUTHORIZED', 401],
    ['ERR_PROTOCOL', 400],
    ['ERR_RATE_LIMIT', 429],
    ['ERR_OTHER', 403],
    [undefined, 500],
  ])('that is refused with %s has the status %i, and the client was told', async (code, status) => {
    const error = code === undefined ? new Error('It is down.') : new ClientError(code, 'No.');
    const rooms = defineChannel('rooms/:id', { onConnect: () => Promise.reject(error) });
    const { test, reports } = makeApp([rooms]);
    expect(await test.app.handler(eventOf.connect('c1'))).toEqual({ statusCode: status });
    expect(reports).toEqual([{ error, isAnswered: true }]);
  });

  it.each([
    ['ERR_UNAUTHORIZED', { message: 'Unauthorized' }],
    ['ERR_OTHER', { policyDocument: { Statement: [{ Effect: 'Deny' }] } }],
    [undefined, { message: 'The authorizer failed.' }],
  ])(
    'that the authorizer refuses with %s is reported once, and the client was told',
    async (code, answer) => {
      const error = code === undefined ? new Error('It is down.') : new ClientError(code, 'No.');
      const authorizer = () => Promise.reject(error);
      const { test, reports } = makeApp([defineChannel('rooms/:id')], { authorizer });
      const answering = test.app.handler(makeAuthorizerEvent());
      expect(await answering.catch((failure: unknown) => failure)).toMatchObject(answer);
      expect(reports).toEqual([{ error, isAnswered: true }]);
    },
  );

  it('keeps the row for 15 minutes longer than a connection can last', async () => {
    const store = memoryStore();
    const { app, clock } = makeApp([defineChannel('rooms/:id')], { store }).test;
    await app.handler(eventOf.connect('c1'));
    const { expiresAt = 0 } = (await store.connections.get('c1')) ?? {};
    expect(expiresAt - clock.now()).toBe((2 * 60 + 15) * 60_000);
  });
});

it('B5 a publish that nobody awaits in $connect or $disconnect ends before the answer', async () => {
  const steps: string[] = [];
  const lobby = defineChannel('lobby', {
    access: 'public',
    events: { x: event<number>() },
    onConnect: ({ app }) => void app.channel('lobby').publish('x', 1, { except: 'sender' }),
    onDisconnect: ({ app }) => void app.channel('lobby').publish('x', 2),
  });
  const plugin: Plugin = {
    name: 'slow',
    onPublish: async (_ctx, next) => {
      await next();
      await new Promise((resolve) => setTimeout(resolve, 5));
      steps.push('published');
    },
  };
  const { app } = createTestApp({ channels: [lobby], plugins: [plugin] });
  await app.handler(eventOf.connect('c1'));
  steps.push('connected');
  await app.handler(eventOf.disconnect('c1'));
  steps.push('disconnected');
  expect(steps).toEqual(['published', 'connected', 'published', 'disconnected']);
});

it('the failure of an @OnUnsubscribe is reported as one that the client is not told of', async () => {
  const error = new Error('It is down.');
  const rooms = defineChannel('rooms/:id', {
    access: 'public',
    onUnsubscribe: () => Promise.reject(error),
  });
  const { test, reports } = makeApp([rooms]);
  const ann = await test.connect();
  await ann.subscribe('rooms/1');
  await ann.sendFrame({ action: 'unsubscribe', id: 'u', channels: ['rooms/1'] });
  expect(reports).toEqual([{ error, isAnswered: false }]);
});

describe('A7 a call on a connection', () => {
  function makeRooms() {
    const kept: MessageContext[] = [];
    const rooms = defineChannel('rooms/:id', {
      access: 'public',
      messages: ({ message }) => ({
        keep: message((_data, ctx) => void kept.push(ctx as unknown as MessageContext)),
      }),
    });
    return { ...makeApp([rooms]), kept };
  }

  it('A7 has its name in the errors', async () => {
    const { test, kept } = makeRooms();
    const ann = await test.connect();
    await ann.send('rooms.keep', 'rooms/1');
    const late = kept[0]?.app.connection(ann.id);
    await expect(late?.disconnect()).rejects.toThrow('connection().disconnect()');
    await expect(late?.unsubscribe('rooms/1')).rejects.toThrow('connection().unsubscribe()');
    const wrong = { reconect: true } as object;
    await expect(test.app.connection(ann.id).disconnect(wrong)).rejects.toThrow('disconnect()');
  });

  it('A7 ends a subscription even if the client cannot be told, which is reported', async () => {
    const { test, reports } = makeRooms();
    const ann = await test.connect();
    await ann.subscribe('rooms/1');
    const error = new Error('It is down.');
    const post = vi.spyOn(test.gateway, 'post');
    post.mockResolvedValue({ result: 'refused', error } as never);
    expect(await test.app.connection(ann.id).unsubscribe('rooms/1')).toBe(true);
    expect(reports).toEqual([{ error, isAnswered: false }]);
    await ann.subscribe('rooms/1');
    post.mockResolvedValue({ result: 'gone' });
    expect(await test.app.connection(ann.id).unsubscribe('rooms/1')).toBe(true);
    expect(reports).toHaveLength(1);
  });
});
