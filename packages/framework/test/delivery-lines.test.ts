// The lines by which metric filters count failed deliveries. Filters of deployed stacks rely on them.
import { format } from 'node:util';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { type ErrorCode, errorTable } from '../src/errors/error-table.js';
import { makeError } from '../src/errors/gatecast-error.js';
import { createApp, defineChannel, event, type Gateway, memoryStore } from '../src/index.js';
import { logger } from '../src/plugins/logger.js';
import { eventOf } from './lambda.js';

const endpoint = 'https://abcde12345.execute-api.us-east-1.amazonaws.com/dev';
const news = defineChannel('news', {
  access: 'public',
  events: { x: event<unknown>() },
  messages: ({ message }) => ({
    post: message(async (_data, { channel }) => void (await channel.publish('x', 1))),
  }),
});
const written: unknown[][] = [];

beforeEach(() => {
  written.length = 0;
  vi.spyOn(console, 'error').mockImplementation((...args) => void written.push(args));
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
});

const refused: Gateway['post'] = async () => ({
  result: 'refused',
  error: makeError('ERR_DELIVERY_FORBIDDEN', { endpoint, reason: 'AccessDeniedException' }),
});
const failed: Gateway['post'] = async () => ({
  result: 'failed',
  error: makeError('ERR_DELIVERY_FAILED', { endpoint, reason: 'it was reset' }),
});

/** What is written for a publish to one subscriber. */
async function publish(post: Gateway['post'], plugins: readonly object[]): Promise<unknown[]> {
  const app = createApp({
    channels: [news],
    store: memoryStore(),
    gateway: { post, disconnect: async () => ({ result: 'delivered' }) },
    plugins: plugins as [],
  });
  await app.handler(eventOf.connect('c1'));
  await app.handler(eventOf.subscribe('c1', 'news'));
  await app.handler(eventOf.message('c1', 'news.post', { channel: 'news' }));
  expect(written).toHaveLength(1);
  return written[0] as unknown[];
}

describe.each([
  ['refused', refused, 'ERR_DELIVERY_FORBIDDEN'],
  ['failed', failed, 'ERR_DELIVERY_FAILED'],
])('a post that %s', (_how, post, code) => {
  const line = {
    level: 'ERROR',
    route: 'news.post',
    outcome: 'failed',
    connectionId: 'c1',
    error: { name: 'DeliveryError', code },
  };

  it('is one line of JSON of the logger', async () => {
    const [text, ...others] = await publish(post, [logger({ level: 'error' })]);
    expect(others).toEqual([]);
    expect(JSON.parse(text as string)).toMatchObject(line);
  });

  it('has the same fields in the message of Lambda, if its format is JSON', async () => {
    vi.stubEnv('AWS_LAMBDA_LOG_FORMAT', 'JSON');
    const [message, ...others] = await publish(post, [logger({ level: 'error' })]);
    expect(others).toEqual([]);
    expect(message).toMatchObject(line);
  });

  it('has its code in the text that is written without a logger', async () => {
    // In both of its formats, Lambda writes what this function returns.
    expect(format(...(await publish(post, [])))).toMatch(new RegExp(`\\b${code}\\b`));
  });
});

it('an error of another copy of the framework has its code in the line, too', async () => {
  const foreign: Gateway['post'] = async () => ({
    result: 'failed',
    error: Object.assign(new Error('No.'), { code: 'ERR_DELIVERY_FAILED' }) as never,
  });
  const [text] = await publish(foreign, [logger({ level: 'error' })]);
  expect(JSON.parse(text as string)).toMatchObject({ error: { code: 'ERR_DELIVERY_FAILED' } });
});

it('every error of a delivery can be found by the beginning of its code', () => {
  const isDelivery = (code: string): boolean => errorTable[code as ErrorCode].kind === 'delivery';
  const codes = Object.keys(errorTable);
  expect(codes.filter(isDelivery)).toEqual(
    codes.filter((code) => code.startsWith('ERR_DELIVERY_')),
  );
  expect(codes.filter(isDelivery).sort()).toEqual([
    'ERR_DELIVERY_ALL_GONE',
    'ERR_DELIVERY_CREDENTIALS',
    'ERR_DELIVERY_FAILED',
    'ERR_DELIVERY_FORBIDDEN',
    'ERR_DELIVERY_THROTTLED',
    'ERR_DELIVERY_UNFINISHED',
  ]);
});
