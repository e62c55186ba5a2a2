// A running gateway whose roles, permissions and routes are replaced.
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunningGateway } from '../src/dev/running-gateway.js';
import { prepareGateway, type StartGatewayOptions } from '../src/dev/start-gateway.js';
import type { GatewayEvent } from '../src/gateway/events.js';
import type { Role } from '../src/iam/role.js';
import { Peer } from './peer.js';

const entry = fileURLToPath(new URL('fixtures/posts-and-tells.mjs', import.meta.url));
const events: GatewayEvent[] = [];

/** A role with a name that may manage these connections. */
const roleOf = (name: string, Resource: string): Role => ({
  arn: `arn:aws:iam::123456789012:role/${name}`,
  policies: [
    {
      source: `"${name}"`,
      document: {
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'execute-api:ManageConnections', Resource }],
      },
    },
  ],
});

const permission = (sourceArn: string, qualifier?: string) => ({
  source: '"Permission"',
  action: 'lambda:InvokeFunction',
  principal: 'apigateway.amazonaws.com',
  sourceArn,
  qualifier,
});

const all = 'arn:aws:execute-api:us-east-1:123456789012:local00000';
const chat = {
  entry,
  permissions: roleOf('Chat', `${all}/dev/POST/@connections/*`),
  invokePermissions: [permission(`${all}/*`), permission(`${all}/dev/aliased`, 'live')],
};
const route = { function: 'chat', twoWay: true };
const options: StartGatewayOptions = {
  functions: { chat },
  routes: [
    { ...route, routeKey: '$default' },
    { ...route, routeKey: 'aliased', qualifier: 'live' },
    { ...route, routeKey: 'versioned', qualifier: '2' },
  ],
  quiet: true,
  onEvent: (event) => events.push(event),
};

let running: RunningGateway;
let peer: Peer;

beforeAll(async () => {
  running = prepareGateway(options);
  const gateway = await running.start();
  peer = await Peer.connect(gateway.url);
}, 60_000);

afterAll(async () => {
  await peer?.[Symbol.asyncDispose]();
  await running.close();
});

beforeEach(() => running.usePermissions(options));

/** The frames that answer a message, without the one with an error's request id. */
async function ask(action = 'x'): Promise<string[]> {
  peer.send({ action });
  const first = await peer.next();
  if (first.includes('Internal server error')) return ['failed'];
  return first === 'posted' ? [first, await peer.next()] : [first];
}

/** The last event is reported after its frame. */
async function expectDetail(text: string): Promise<void> {
  await vi.waitFor(() => expect(events.at(-1)?.detail).toContain(text));
}

const withChat = (changes: object): StartGatewayOptions => ({
  ...options,
  functions: { chat: { ...chat, ...changes } },
});

describe('a running gateway', () => {
  it('6.6 checks posts by the role of the function, which can be replaced', async () => {
    expect(await ask()).toEqual(['posted', 'none']);
    const other = `${all}/prod/POST/@connections/*`;
    running.usePermissions(withChat({ permissions: roleOf('Other', other) }));
    expect(await ask()).toEqual(['ForbiddenException']);
    running.usePermissions(withChat({ permissions: undefined }));
    expect(await ask()).toEqual(['posted', 'none']);
  });

  it('5.7 invokes a function only with a permission, which can be replaced', async () => {
    running.usePermissions(withChat({ invokePermissions: [permission(`${all}/prod/*`)] }));
    expect(await ask()).toEqual(['failed']);
    await expectDetail(
      'may not invoke arn:aws:lambda:us-east-1:123456789012:function:chat: it lacks',
    );
    running.usePermissions(options);
    expect(await ask()).toEqual(['posted', 'none']);
  });

  it('5.7 has permissions of its own for each alias and version', async () => {
    expect(await ask('aliased')).toEqual(['posted', 'none']);
    expect(await ask('versioned')).toEqual(['failed']);
    await expectDetail('function:chat:2: it lacks');
  });

  it('serves other routes, but keeps what it has if they are wrong', async () => {
    running.usePermissions({
      ...options,
      routes: [{ routeKey: '$default', integration: 'mock', twoWay: true, response: 'mocked' }],
    });
    expect(await ask()).toEqual(['mocked']);
    running.usePermissions(options);
    const wrong = { ...options, routes: [{ routeKey: '$default', function: 'nobody' }] };
    expect(() => running.usePermissions(wrong)).toThrow('uses the function "nobody"');
    expect(await ask()).toEqual(['posted', 'none']);
  });
});
