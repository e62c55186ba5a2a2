// One message through `handler(event)`, without validation, store call or plugin, compared with a
// hand-written switch: with a message handler that returns its reply, and with one that returns a
// promise. For information, also @middy/core with a middleware that parses JSON: version 6, because
// version 7 needs Node 22.
import { createApp, defineChannel, memoryStore } from '@gatecast/framework';
import { makeMessageEvent } from '@gatecast/framework/testing';
import middy from '@middy/core';

const CALLS = 20_000;
const ROUNDS = 75;
const WARM_UP_ROUNDS = 5;

const body = JSON.stringify({
  action: 'rooms.post',
  id: 'Zq3vV0p1Tq6cXyJw2m8s4A',
  channel: 'rooms/42',
  data: { text: 'hello' },
});
const event = makeMessageEvent({ routeKey: 'rooms.post', body });
const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 29_000 };

const post = (data) => ({ length: data.text.length });
const postLater = async (data) => ({ length: data.text.length });

const reply = (id, data) => ({
  statusCode: 200,
  body: JSON.stringify({ type: 'reply', id, data }),
});

const switchOver = async ({ requestContext, body }) => {
  const frame = JSON.parse(body);
  switch (requestContext.routeKey) {
    case 'rooms.post':
      return reply(frame.id, post(frame.data));
    default:
      return { statusCode: 404 };
  }
};

const switchOverLater = async ({ requestContext, body }) => {
  const frame = JSON.parse(body);
  switch (requestContext.routeKey) {
    case 'rooms.post':
      return reply(frame.id, await postLater(frame.data));
    default:
      return { statusCode: 404 };
  }
};

function withGatecast(handle) {
  const rooms = defineChannel('rooms/:roomId', {
    messages: ({ message }) => ({ post: message(handle) }),
  });
  return createApp({ channels: [rooms], store: memoryStore() }).handler;
}

const parseJson = {
  before: (request) => {
    request.event = { ...request.event, body: JSON.parse(request.event.body) };
  },
};
const withMiddy = middy()
  .use(parseJson)
  .handler(async ({ body: frame }) => reply(frame.id, await postLater(frame.data)));

const SYNCHRONOUS = 'switch, synchronous handler';
const ASYNCHRONOUS = 'switch, asynchronous handler';
const contenders = [
  { name: SYNCHRONOUS, handler: switchOver, baseline: SYNCHRONOUS },
  { name: 'gatecast, synchronous handler', handler: withGatecast(post), baseline: SYNCHRONOUS },
  { name: ASYNCHRONOUS, handler: switchOverLater, baseline: ASYNCHRONOUS },
  {
    name: 'gatecast, asynchronous handler',
    handler: withGatecast(postLater),
    baseline: ASYNCHRONOUS,
  },
  { name: '@middy/core, asynchronous handler', handler: withMiddy, baseline: ASYNCHRONOUS },
];

/**
 * CPU time per call in microseconds, which depends less on other work of the machine than elapsed time.
 */
async function time({ handler }) {
  const start = process.cpuUsage();
  for (let call = 0; call < CALLS; call += 1) await handler(event, context);
  const { user, system } = process.cpuUsage(start);
  return (user + system) / CALLS;
}

async function assertSameAnswers() {
  const answers = await Promise.all(contenders.map(({ handler }) => handler(event, context)));
  if (new Set(answers.map((answer) => answer.body)).size !== 1)
    throw new Error('The answers differ.');
}

const median = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
const rounded = (value) => Number(value.toFixed(2));

/** All candidates take turns in many short rounds, so that slow moments affect them equally. */
export async function measure() {
  await assertSameAnswers();
  const rounds = [];
  for (let round = 0; round < WARM_UP_ROUNDS + ROUNDS; round += 1) {
    const times = new Map();
    for (const contender of contenders) times.set(contender.name, await time(contender));
    rounds.push(times);
  }
  // In the first rounds the code was still being compiled.
  rounds.splice(0, WARM_UP_ROUNDS);
  const rows = contenders.map(({ name, baseline }) => ({
    name,
    'CPU µs a message': rounded(median(rounds.map((times) => times.get(name)))),
    'times the switch': rounded(
      median(rounds.map((times) => times.get(name) / times.get(baseline))),
    ),
  }));
  return { benchmark: 'dispatch', calls: CALLS, rounds: ROUNDS, node: process.version, rows };
}
