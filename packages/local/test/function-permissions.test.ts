// What the permissions of functions in code do in a gateway.
import { fileURLToPath } from 'node:url';
import { describe, expect, it, vi } from 'vitest';
import { type StartGatewayOptions, startGateway } from '../src/dev/start-gateway.js';
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
const withChat = (changes: object): StartGatewayOptions => ({
  functions: { chat: { ...chat, ...changes } },
  routes: [
    { ...route, routeKey: '$default' },
    { ...route, routeKey: 'aliased', qualifier: 'live' },
    { ...route, routeKey: 'versioned', qualifier: '2' },
  ],
  quiet: true,
  onEvent: (event) => events.push(event),
});

/** The frames that answer a message of each action, without the one with an error's request id. */
async function ask(changes: object, actions: readonly string[] = ['x']): Promise<string[][]> {
  await using gateway = await startGateway(withChat(changes));
  await using peer = await Peer.connect(gateway.url);
  const answers: string[][] = [];
  for (const action of actions) {
    peer.send({ action });
    const first = await peer.next();
    if (first.includes('Internal server error')) answers.push(['failed']);
    else answers.push(first === 'posted' ? [first, await peer.next()] : [first]);
  }
  return answers;
}

/** The last event is reported after its frame. */
async function expectDetail(text: string): Promise<void> {
  await vi.waitFor(() =>
    expect(events.filter(({ detail }) => detail.includes(text))).not.toEqual([]),
  );
}

describe('a function in code', () => {
  it('6.6 posts as its role allows', { timeout: 60_000 }, async () => {
    expect(await ask({})).toEqual([['posted', 'none']]);
    const other = roleOf('Other', `${all}/prod/POST/@connections/*`);
    expect(await ask({ permissions: other })).toEqual([['ForbiddenException']]);
    expect(await ask({ permissions: undefined })).toEqual([['posted', 'none']]);
  });

  it('5.7 is only invoked with a permission', { timeout: 60_000 }, async () => {
    const elsewhere = [permission(`${all}/prod/*`)];
    expect(await ask({ invokePermissions: elsewhere })).toEqual([['failed']]);
    await expectDetail(
      'may not invoke arn:aws:lambda:us-east-1:123456789012:function:chat: it lacks',
    );
  });

  it('5.7 has permissions of its own for each alias and version', { timeout: 60_000 }, async () => {
    expect(await ask({}, ['aliased', 'versioned'])).toEqual([['posted', 'none'], ['failed']]);
    await expectDetail('function:chat:2: it lacks');
  });
});
