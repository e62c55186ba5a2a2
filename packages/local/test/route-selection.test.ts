import { describe, expect, it, vi } from 'vitest';
import { openLocalApi } from './local-api.js';
import { Peer } from './peer.js';

interface Selection {
  readonly expression?: string;
  readonly routes: readonly string[];
  readonly message: string | object;
}

/** The route that the message selected, or the frame that came instead. */
async function select({ expression, routes, message }: Selection): Promise<string> {
  await using api = await openLocalApi({
    routeSelectionExpression: expression,
    routes: routes.map((routeKey) => ({ routeKey, twoWay: true })),
    respond: ({ requestContext }) => ({ statusCode: 200, body: requestContext.routeKey }),
  });
  await using peer = await Peer.connect(api.url);
  peer.send(message);
  return await peer.next();
}

describe('the route of a message', () => {
  it('2.1 is not evaluated for $connect and $disconnect', async () => {
    await using api = await openLocalApi({
      routes: ['$connect', '$disconnect', 'send'],
      routeSelectionExpression: 'send',
    });
    const peer = await Peer.connect(api.url);
    peer.webSocket.close();
    await vi.waitFor(() => expect(api.handler.events).toHaveLength(2));
    const reached = api.handler.events.map(({ requestContext }) => requestContext.routeKey);
    expect(reached).toEqual(['$connect', '$disconnect']);
  });

  it.each([
    ['$request.body.action', { action: 'send' }, 'send'],
    ['${request.body.action}', { action: 'send' }, 'send'],
    ['$request.body.a.b', { a: { b: 'deep' } }, 'deep'],
    ["$request.body['a b'][1]", { 'a b': ['x', 'second'] }, 'second'],
    ['${request.body.first-name}', { 'first-name': 'ann' }, 'ann'],
    ['${request.body.service}/${request.body.action}', { service: 's', action: 'a' }, 's/a'],
    ['v1/$request.body.action', { action: 'send' }, 'v1/send'],
    ['fixed', {}, 'fixed'],
    ['\\$default', { action: 'send' }, '$default'],
    ['a\\$b', {}, 'a$b'],
  ])('2.2 follows the expression %s', async (expression, message, expected) => {
    const routes = ['$default', 'send', 'deep', 'second', 'ann', 's/a', 'v1/send', 'fixed', 'a$b'];
    expect(await select({ expression, routes, message })).toBe(expected);
  });

  it.each([
    ['$request.body.items[*].id', '[a, b]'],
    ['${request.body.items[*].id}', '[a, b]'],
    ['$request.body.items.*.id', '[a, b]'],
    ['$request.body.byName[*]', '[1, 2]'],
    ['$request.body.lists[*][*]', '[x, y, z]'],
    ['$request.body.lists[*]', '[[x, y], [z]]'],
    ['$request.body.lists[*][0]', '[x, z]'],
    ['$request.body.items[*].none', '[]'],
    ['$request.body.none[*].id', ''],
    ['$request.body.text[*]', ''],
  ])('I18 2.12 makes a list of the wildcards in %s', async (expression, expected) => {
    const message = {
      items: [{ id: 'a' }, { id: 'b' }, { other: 'c' }, 5],
      byName: { one: 1, two: 2 },
      lists: [['x', 'y'], ['z']],
      text: 'text',
    };
    const routes = [
      '$default',
      '[a, b]',
      '[1, 2]',
      '[[x, y], [z]]',
      '[x, y, z]',
      '[x, z]',
      '[]',
      '',
    ];
    expect(await select({ expression, routes, message })).toBe(expected);
  });

  it('2.3 evaluates the expression once', async () => {
    const message = { action: '$request.body.other', other: 'send' };
    expect(await select({ routes: ['send', '$default'], message })).toBe('$default');
  });

  it('2.4 uses empty text for a missing path', async () => {
    const expression = '${request.body.action}-${request.body.bad}';
    const message = { action: 'join' };
    expect(await select({ expression, routes: ['join-', '$default'], message })).toBe('join-');
    const inherited = { routes: ['', '$default'], expression: '$request.body.constructor.name' };
    expect(await select({ ...inherited, message: {} })).toBe('');
  });

  it.each([
    [1, '1'],
    [1.5, '1.5'],
    [true, 'true'],
    [['item1', 'item2'], '[item1, item2]'],
    [{ a: 1, b: ['x'] }, '{a=1, b=[x]}'],
    [null, ''],
  ])('2.5 turns %j into text', async (action, expected) => {
    expect(await select({ routes: [expected, '$default'], message: { action } })).toBe(expected);
  });

  it('2.5 turns nothing into text that is nested in more than 32 levels', async () => {
    let [lists, objects]: unknown[] = [[], {}];
    for (let level = 0; level < 40; level++) [lists, objects] = [[lists], { a: objects }];
    const selected = [
      ['$request.body.lists', '['.repeat(33) + ']'.repeat(33)],
      ['$request.body.objects', '{a='.repeat(33) + '}'.repeat(33)],
    ] as const;
    for (const [expression, expected] of selected) {
      const sent = { expression, routes: [expected, '$default'], message: { lists, objects } };
      expect(await select(sent)).toBe(expected);
    }
  });

  it.each(['hello', '{"action":', ''])(
    '2.6 2.11 is $default for %j, which is not JSON',
    async (message) => {
      expect(await select({ routes: ['$default', 'fixed'], expression: 'fixed', message })).toBe(
        '$default',
      );
    },
  );

  it.each(['"send"', '5', 'null', '["send"]'])('2.7 is $default for %s', async (message) => {
    expect(await select({ routes: ['send', '5', '$default'], message })).toBe('$default');
  });

  it.each(['Send', ' send', '$connect', '$disconnect', '$default'])(
    '2.8 is $default when the action is %j',
    async (action) => {
      const routes = ['$connect', '$disconnect', '$default', 'send'];
      expect(await select({ routes, message: { action } })).toBe('$default');
    },
  );

  it.each(['$connect', '$disconnect'])(
    '2.8 does not exist if the action is %s and there is no $default',
    async (action) => {
      const message = { action };
      const routes = ['$connect', '$disconnect'];
      expect(await select({ routes, message })).toContain('Forbidden');
    },
  );

  it('2.9 answers Forbidden when no route matches and there is no $default', async () => {
    await using api = await openLocalApi({
      routes: ['$connect', { routeKey: 'send', twoWay: true }],
    });
    await using peer = await Peer.connect(api.url);
    peer.send({ action: 'other' });
    const frame = await peer.next();
    const connectionId = api.handler.events[0]?.requestContext.connectionId ?? '';
    const { requestId } = JSON.parse(frame) as { requestId: string };
    expect(requestId).toMatch(/^[A-Za-z0-9_-]{15}=$/);
    expect(frame).toBe(
      `{"message": "Forbidden", "connectionId":"${connectionId}", "requestId":"${requestId}"}`,
    );
    expect(api.log.at(-1)).toMatchObject({ result: 'no route', connectionId });
    peer.send({ action: 'send' });
    expect(await peer.next()).toBe('');
  });

  it('2.10 does not exist while the route is not part of the deployment', async () => {
    await using api = await openLocalApi({ routes: ['$connect'] });
    await using peer = await Peer.connect(api.url);
    peer.send({ action: 'send' });
    expect(await peer.next()).toContain('"Forbidden"');
    api.gateway.use({ handler: api.handler, routes: [{ routeKey: 'send', twoWay: true }] });
    peer.send({ action: 'send' });
    expect(await peer.next()).toBe('');
  });

  it('survives the deepest nesting that a message can have', async () => {
    const depth = 30_000;
    const message = `{"action":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    await using api = await openLocalApi({ routes: [{ routeKey: '$default', twoWay: true }] });
    await using peer = await Peer.connect(api.url);
    const half = message.length / 2;
    peer.webSocket.send(message.slice(0, half), { fin: false });
    peer.webSocket.send(message.slice(half), { fin: true });
    expect(await peer.next()).toBe('');
  });
});

describe('an invalid deployment', () => {
  it.each([
    '$context.connectionId',
    '${request.header.x}',
    '$request.body.a$',
    '${request.body..a}',
  ])('2.2 is refused for the expression %s', async (routeSelectionExpression) => {
    await expect(openLocalApi({ routeSelectionExpression })).rejects.toThrow(
      `The route selection expression "${routeSelectionExpression}" cannot be read`,
    );
  });

  it('2.2 is refused with the place of the mistake and the variables that it may have', async () => {
    await expect(openLocalApi({ routeSelectionExpression: 'a$b' })).rejects.toThrow(
      'The route selection expression "a$b" cannot be read at "$b". Use text, "\\$" for a dollar, ' +
        'and the variables "${request.body…}", such as "${request.body.action}".',
    );
  });

  it('2.8 is refused for a custom route key that begins with "$", and for two routes with one key', async () => {
    await using api = await openLocalApi();
    const { gateway, handler } = api;
    const deploy = (...keys: string[]) =>
      gateway.use({ handler, routes: keys.map((routeKey) => ({ routeKey })) });
    expect(() => deploy('$send')).toThrow('The route key "$send" begins with "$"');
    expect(() => deploy('send', 'send')).toThrow('Two routes have the key "send".');
    await using peer = await Peer.connect(api.url);
    expect(peer.webSocket.readyState).toBe(peer.webSocket.OPEN);
  });
});
