// One message through `handler(event)`, without validation, store call or plugin, beside a
// hand-written switch and @middy/core with a middleware that parses JSON.
// @middy/core 7 needs Node 22; 6 is the newest that runs wherever Gatecast does.
import { createApp, defineChannel, memoryStore } from '@gatecast/framework';
import { makeMessageEvent } from '@gatecast/framework/testing';
import middy from '@middy/core';

const CALLS = 200_000;
const ROUNDS = 7;

const body = JSON.stringify({
  action: 'rooms.post',
  id: 'Zq3vV0p1Tq6cXyJw2m8s4A',
  channel: 'rooms/42',
  data: { text: 'hello' },
});
const event = makeMessageEvent({ routeKey: 'rooms.post', body });
const context = { awsRequestId: 'r', getRemainingTimeInMillis: () => 29_000 };

const handWritten = async ({ requestContext, body }) => {
  const frame = JSON.parse(body);
  switch (requestContext.routeKey) {
    case 'rooms.post':
      return reply(frame.id, { length: frame.data.text.length });
    default:
      return { statusCode: 404 };
  }
};

const parseJson = {
  before: (request) => {
    request.event = { ...request.event, body: JSON.parse(request.event.body) };
  },
};
const withMiddy = middy()
  .use(parseJson)
  .handler(async ({ body: frame }) => reply(frame.id, { length: frame.data.text.length }));

const rooms = defineChannel('rooms/:roomId', {
  messages: ({ message }) => ({ post: message((data) => ({ length: data.text.length })) }),
});
const { handler: withGatecast } = createApp({ channels: [rooms], store: memoryStore() });

function reply(id, data) {
  return { statusCode: 200, body: JSON.stringify({ type: 'reply', id, data }) };
}

async function time(handler) {
  const start = process.hrtime.bigint();
  for (let call = 0; call < CALLS; call += 1) await handler(event, context);
  return Number(process.hrtime.bigint() - start) / CALLS / 1_000;
}

/** Median of several rounds, the three taking turns, so that a slow moment strikes all alike. */
export async function measure() {
  const handlers = {
    'hand-written switch': handWritten,
    '@middy/core': withMiddy,
    gatecast: withGatecast,
  };
  const answers = await Promise.all(
    Object.values(handlers).map((handler) => handler(event, context)),
  );
  if (new Set(answers.map((answer) => answer.body)).size !== 1)
    throw new Error('The answers differ.');
  const times = Object.fromEntries(Object.keys(handlers).map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const [name, handler] of Object.entries(handlers)) times[name].push(await time(handler));
  }
  const middle = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 2)];
  const baseline = middle(times['@middy/core']);
  const rows = Object.entries(times).map(([name, list]) => ({
    name,
    'µs a message': Number(middle(list).toFixed(2)),
    'times @middy/core': Number((middle(list) / baseline).toFixed(2)),
  }));
  return { benchmark: 'dispatch', calls: CALLS, rounds: ROUNDS, node: process.version, rows };
}
