// B1: publish() ends with the invocation, even if the endpoint accepts requests but never answers.
import { createServer } from 'node:http';
import { createApp, defineChannel, memoryStore } from '@gatecast/framework';
import { makeMessageEvent } from '@gatecast/framework/testing';
import { check, finish, listen, listener, row, setEnvironment } from './lib.mjs';

const LEFT_MS = 2_000;
// The stage of the event; otherwise nothing would be posted.
const address = { apiId: 'abcde12345', stage: 'dev', region: 'eu-west-1' };
let requests = 0;
const silent = createServer(() => {
  requests += 1;
});
setEnvironment({
  GATECAST_ENDPOINT: `http://127.0.0.1:${await listen(silent)}/dev`,
  AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
  AWS_SECRET_ACCESS_KEY: 'secret',
  AWS_REGION: address.region,
});
const store = memoryStore();
await store.connections.connect(row('c', address), ['rooms/1']);
const rooms = defineChannel('rooms/:id', {
  access: 'public',
  messages: ({ message }) => ({
    post: message(async (data, ctx) => (await ctx.channel.publish('m', data)).delivery),
  }),
});
const { handler } = createApp({ channels: [rooms], store, plugins: [listener()] });
const body = JSON.stringify({ action: 'rooms.post', id: '1', channel: 'rooms/1', data: 1 });
const endsAt = performance.now() + LEFT_MS;
const answer = await handler(
  makeMessageEvent({ ...address, connectionId: 'me', routeKey: 'rooms.post', body }),
  { getRemainingTimeInMillis: () => Math.max(0, endsAt - performance.now()) },
);
const leftMs = Math.round(endsAt - performance.now());
check(requests > 0, 'there was no post, so the test is void');
check(leftMs > 0, `answered ${-leftMs} ms after the end of the invocation`);
check(
  JSON.parse(answer.body).data?.failed === 1,
  `the answer is ${answer.body} although a post was never answered`,
);
finish();
