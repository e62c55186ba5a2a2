// The chat as people use it and more, against a stack of which a part may be missing.
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Exemption } from '../../../../packages/local/src/dev/mutation/exemptions.js';
import { type MutantResult, mutate } from '../../../../packages/local/src/dev/mutation/mutate.js';
import { prepareGateway } from '../../../../packages/local/src/dev/start-gateway.js';
import { functionNamed } from '../../../../packages/local/src/dev/template/read-functions.js';
import {
  assemblyStacks,
  readStacks,
} from '../../../../packages/local/src/dev/template/read-template.js';
import type { LocalGateway } from '../../../../packages/local/src/index.js';
import { openPeer, type Peer } from '../../test/peer.js';
import { expectToChat } from '../../test/scenarios.js';

/** How a stack of the variants is used. */
export interface Variant {
  readonly stack: string;
  /** Whether API Gateway writes the rows of connections. */
  readonly isDirect?: boolean;
  /** Whether an authorizer knows users. */
  readonly isGuarded?: boolean;
}

/** What this session cannot notice, though it is needed. */
const exemptions: readonly Exemption[] = [
  {
    part: /Publisher\w+: action dynamodb:Batch(?:Get|Write)Item /,
    reason:
      'for connections that have gone without $disconnect: adapters/test/publisher-actions.test.ts',
  },
  {
    part: /HandlerF96F5CCD: property Environment\.Variables\.GATECAST_(?:API_ID|STAGE)$/,
    reason: 'for publishes in an event that is not of the API',
  },
  {
    part: /^(?:Guarded)?Direct\/.*HandlerPolicy\w+: action dynamodb:DeleteItem /,
    reason: 'for a removal that was cut off, and a connection id that comes again',
  },
  {
    part: /DisconnectResponse\w+ \(IntegrationResponse\)$/,
    reason: 'nobody gets the answer of $disconnect; without it, API Gateway would report an error',
  },
  {
    part: /^TwoStores\/.*: action dynamodb:(?:BatchGetItem|Query) of statement/,
    reason: 'for events whose own row is not written yet, and for pages of older ones',
  },
  { part: /GATECAST_ROUTES$/, reason: 'for the warning that a route is older than the code' },
  { part: /PassthroughBehavior \(is "NEVER"\)$/, reason: 'only "ping" selects the route' },
  {
    part: /TemplateSelectionExpression \(is "\\\\\$default"\)$/,
    reason: 'which template API Gateway takes without it is not documented',
  },
];

/** Without an authorizer, no identity expires. */
const ending: Exemption = {
  part: /HandlerPolicy\w+: resource \S+\/DELETE\/@connections\/\* of statement 1$/,
  reason: 'for connections that the app ends',
};

/** Removes one part of a stack after the other, and uses the chat each time. */
export async function mutateStack(
  assembly: string,
  variant: Variant,
): Promise<readonly MutantResult[]> {
  const stacks = await assemblyStacks(assembly, variant.stack);
  const options = { parameters: {}, stage: undefined };
  const publisher = functionNamed(`${variant.stack}/Publisher`, await readStacks(stacks, options));
  return mutate({
    ...options,
    stacks,
    exemptions: variant.isGuarded === true ? exemptions : [...exemptions, ending],
    session: (gateway) => useChat(gateway, variant, publisher),
  });
}

/** The statements of a stack that the chat does not use. */
export async function unusedStatements(
  assembly: string,
  variant: Variant,
): Promise<readonly string[]> {
  const options = { parameters: {}, stage: undefined };
  const read = await readStacks(await assemblyStacks(assembly, variant.stack), options);
  const running = prepareGateway({ ...read.options, quiet: true });
  try {
    await useChat(
      await running.start(),
      variant,
      functionNamed(`${variant.stack}/Publisher`, read),
    );
    const unused = running.permissions.unused().filter(({ parts }) => parts === undefined);
    return unused.map(({ policy, index }) => `Statement[${index}] of ${policy.source}`);
  } finally {
    await running.close();
  }
}

async function useChat(
  gateway: LocalGateway,
  { isDirect = false, isGuarded = false }: Variant,
  publisher: string,
): Promise<void> {
  const open = (token: string): Promise<Peer> => {
    const query = new URLSearchParams({ ...(isDirect && { protocol: '1' }), token });
    return openPeer(`${gateway.url}?${query}`, isDirect ? [] : undefined);
  };
  await using ann = await open('ann');
  await using bob = await open("bob o'hara");
  // Of its own, because a Redis remembers the rooms of other gateways.
  const room = randomUUID();
  await expectToChat(ann, bob, room);

  const channel = `rooms/${room}`;
  const ask = async (peer: Peer, frame: object): Promise<unknown> => {
    peer.write(JSON.stringify({ id: randomUUID(), ...frame }));
    return ((await peer.next('reply')) as unknown as { readonly data: unknown }).data;
  };
  const result = await gateway.invoke(publisher, { room, text: 'Closed' });
  expect(result).toMatchObject({
    payload: { delivered: 1, position: expect.any(String) },
  });
  await ann.next('event');
  expect(await ask(ann, { action: 'history', channel, limit: 2 })).toMatchObject({
    events: [{ data: { text: 'hi' } }, { data: { text: 'Closed' } }],
  });
  const { position } = (result as unknown as { payload: { position: string } }).payload;
  expect(await ask(ann, { action: 'sync', positions: { [channel]: position } })).toMatchObject({
    channels: [{ channel, result: 'current' }],
  });
  if (isGuarded) {
    await expect(open('eve')).rejects.toThrow('401');
    // Its token expires, and the app ends the connection.
    const guest = await open('guest');
    const isOver = (): boolean => guest.unread.some(({ type }) => type === 'bye');
    for (; !isOver(); await sleep(100)) {
      guest.write(JSON.stringify({ action: 'subscribe', id: 's', channels: [{ channel }] }));
    }
  }
}
