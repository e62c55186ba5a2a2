import { createRequire } from 'node:module';
import { describe, expect, it, vi } from 'vitest';
import type { GatewayRoute } from '../src/gateway/deployment.js';
import { openLocalApi } from './local-api.js';
import { Peer } from './peer.js';

const text = {
  $schema: 'http://json-schema.org/draft-04/schema#',
  title: 'Text',
  type: 'object',
  required: ['text'],
  properties: { text: { type: 'string', maxLength: 5 } },
};
// In draft 4 "exclusiveMinimum" is a boolean, which later drafts refuse.
const number = {
  type: 'object',
  properties: { value: { type: 'integer', minimum: 0, exclusiveMinimum: true } },
};

type Models = Pick<GatewayRoute, 'requestModels' | 'modelSelectionExpression'>;

/** `passes` if the function got the message, otherwise the frame that came instead. */
async function send(models: Models, message: string | object): Promise<string> {
  await using api = await openLocalApi({
    routes: [{ routeKey: '$default', twoWay: true, ...models }],
    respond: () => ({ statusCode: 200, body: 'passes' }),
  });
  await using peer = await Peer.connect(api.url);
  peer.send(message);
  const frame = await peer.next();
  expect(api.handler.events).toHaveLength(frame === 'passes' ? 1 : 0);
  return frame;
}

const badBody =
  /^\{"message": "Bad request body", "connectionId":"[\w-]{15}=", "messageId":"[\w-]{15}="\}$/;

describe('models of a route', () => {
  it('are not loaded by an API that has none', async () => {
    await using api = await openLocalApi();
    await Peer.connect(api.url);
    const { cache } = createRequire(import.meta.url);
    const loaded = Object.keys(cache).filter((path) => path.includes('ajv-draft-04'));
    expect(loaded).toEqual([]);
    await send({ requestModels: { $default: text }, modelSelectionExpression: '$default' }, {});
    expect(Object.keys(cache).some((path) => path.includes('ajv-draft-04'))).toBe(true);
  });

  it('5.9 answer a message that does not fit with the ids of the connection and the message', async () => {
    await using api = await openLocalApi({
      routes: [
        '$connect',
        {
          routeKey: 'say',
          requestModels: { $default: text },
          modelSelectionExpression: '$default',
        },
      ],
    });
    await using peer = await Peer.connect(api.url);
    peer.send({ action: 'say', text: 'much too long' });
    const frame = await peer.next();
    const connectionId = api.handler.of('$connect')[0]?.requestContext.connectionId;
    expect(frame).toMatch(badBody);
    expect(frame).toContain(`"connectionId":"${connectionId}"`);
    expect(api.handler.of('say')).toEqual([]);
    expect(api.log.at(-1)).toMatchObject({
      route: 'say',
      result: 'refused',
      detail: 'Bad request body: body/text must NOT have more than 5 characters',
    });
    peer.send({ action: 'say', text: 'short' });
    await vi.waitFor(() => expect(api.handler.of('say')).toHaveLength(1));
  });

  const requestModels = { text, number };
  const modelSelectionExpression = '${request.body.kind}';
  it.each([
    [{ kind: 'text', text: 'a' }, true],
    [{ kind: 'text' }, false],
    [{ kind: 'text', text: 1 }, false],
    [{ kind: 'number', value: 1 }, true],
    [{ kind: 'number', value: 0 }, false],
  ])('5.9 are chosen by the expression: %j fits: %j', async (message, fits) => {
    const frame = await send({ requestModels, modelSelectionExpression }, message);
    expect(frame).toMatch(fits ? /^passes$/ : badBody);
  });

  it('5.9 refuse a message without a model, unless there is a model $default', async () => {
    const message = { kind: 'other' };
    expect(await send({ requestModels, modelSelectionExpression }, message)).toMatch(badBody);
    expect(await send({ modelSelectionExpression }, message)).toMatch(badBody);
    for (const key of ['$default', '\\$default']) {
      const models = { requestModels: { text, [key]: {} }, modelSelectionExpression };
      expect(await send(models, message)).toBe('passes');
    }
  });

  it('5.9 refuse a body that is not JSON', async () => {
    const models = { requestModels: { $default: {} }, modelSelectionExpression: '\\$default' };
    expect(await send(models, 'hello')).toMatch(badBody);
  });

  it('5.9 check nothing without an expression', async () => {
    expect(await send({ requestModels: { $default: text } }, {})).toBe('passes');
  });

  it('5.9 guard non-proxy integrations too', async () => {
    await using api = await openLocalApi({
      routes: [
        {
          routeKey: '$default',
          requestModels: { $default: text },
          modelSelectionExpression: '$default',
          integration: { type: 'AWS' },
        },
      ],
    });
    await using peer = await Peer.connect(api.url);
    peer.send({});
    expect(await peer.next()).toMatch(badBody);
    peer.send({ text: 'a' });
    await vi.waitFor(() => expect(api.handler.events).toEqual([{ text: 'a' }]));
  });

  it('5.9 refuse a body that is nested so deeply that it cannot be checked', async () => {
    const nested = { type: 'array', items: { $ref: '#' } };
    const models = { requestModels: { $default: nested }, modelSelectionExpression: '$default' };
    const depth = 16_000;
    expect(await send(models, '['.repeat(depth) + ']'.repeat(depth))).toMatch(badBody);
  });

  it('5.9 are refused by name if they are not a schema or their expression is invalid', async () => {
    const open = (models: Models) => openLocalApi({ routes: [{ routeKey: 'a', ...models }] });
    const modelSelectionExpression = '$default';
    await expect(
      open({ requestModels: { wrong: { type: 'text' } }, modelSelectionExpression }),
    ).rejects.toThrow('The model "wrong" of the route "a" is not a JSON schema of draft 4: ');
    await expect(open({ modelSelectionExpression: '$request.header.a' })).rejects.toThrow(
      'The model selection expression of the route "a" "$request.header.a" cannot be read',
    );
  });
});
