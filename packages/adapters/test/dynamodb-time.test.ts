// How long an operation is tried: for its budget, and never past what the invocation has left.
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { createApp, defineChannel, event, type Store, StoreError } from '@gatecast/framework';
import { makeMessageEvent } from '@gatecast/framework/testing';
import { describe, expect, it } from 'vitest';
import { startRefusing, startSilent } from './engines/refusing-server.js';
import { makeTestClient } from './table-under-test.js';

const THROTTLED = { status: 400, type: 'ThrottlingException' };

function storeAt(endpoint: string): Store {
  return dynamoDbStore({ table: 'chat', client: makeTestClient(endpoint), budgetMs: 300 });
}

describe('a dynamoDbStore', () => {
  it('does not try again once the time left is over', async () => {
    await using server = await startRefusing(THROTTLED);
    const { connections } = storeAt(server.endpoint);
    await expect(connections.within?.(0).get('c=')).rejects.toBeInstanceOf(StoreError);
    expect(server.served.count).toBe(1);
    await expect(connections.within?.(60_000).get('c=')).rejects.toBeInstanceOf(StoreError);
    expect(server.served.count).toBeGreaterThan(2);
  });

  it('does not get more time by being narrowed again', async () => {
    await using server = await startRefusing(THROTTLED);
    const { connections } = storeAt(server.endpoint);
    await expect(connections.within?.(0).within?.(60_000).get('c=')).rejects.toThrow('throttles');
    expect(server.served.count).toBe(1);
  });

  it('does not wait for an answer that does not come', async () => {
    await using server = await startSilent();
    const waiting = storeAt(server.endpoint).connections.within?.(0).get('c=');
    await expect(waiting).rejects.toMatchObject({
      retryable: true,
      message: expect.stringContaining('could not be reached (no answer in time)'),
    });
    expect(server.served.count).toBe(1);
  });

  it.each([
    ['subscribe', { channels: [{ channel: 'rooms/1' }] }],
    ['unsubscribe', { channels: ['rooms/1'] }],
    ['rooms.say', { channel: 'rooms/1', data: null }],
  ])('lets an invocation answer while there is time: %s', async (action, fields) => {
    await using server = await startRefusing(THROTTLED);
    const channel = defineChannel('rooms/:roomId', {
      events: { said: event<{ text: string }>() },
      messages: ({ message }) => ({
        say: message((_, ctx) => ctx.channel.publish('said', { text: 'hello' })),
      }),
    });
    const { handler } = createApp({
      channels: [channel],
      store: storeAt(server.endpoint),
      plugins: [{ name: 'quiet', onError() {} }],
    });
    const body = JSON.stringify({ action, id: '1', ...fields });
    const handle = (remainingMs: number) =>
      handler(makeMessageEvent({ routeKey: action, body }), {
        getRemainingTimeInMillis: () => remainingMs,
      });
    // Half a second is kept for the answer.
    expect(await handle(500)).toMatchObject({
      statusCode: 200,
      body: expect.stringContaining('ERR_INTERNAL'),
    });
    expect(server.served.count).toBe(1);
    await handle(60_000);
    expect(server.served.count).toBeGreaterThan(2);
  });
});
