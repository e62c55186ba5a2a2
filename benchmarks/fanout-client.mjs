// One client of fanout.mjs. Each sender has a separate process, because Node's code that they share would
// be slower for all of them if several used it in different ways.
import { awsGateway } from '@gatecast/framework/aws-gateway';
// Not public: the sender of createApp().
import { readEndpoint } from '../packages/framework/dist/deliver/apigw/endpoint.js';
import { connectionsGateway } from '../packages/framework/dist/deliver/apigw/post.js';
import { makeTransport } from '../packages/framework/dist/deliver/apigw/transport.js';
import { Poster } from '../packages/framework/dist/deliver/poster.js';

const [sender, url] = process.argv.slice(2);
const POSTS = 1_000;
const IN_FLIGHT = 64;
const BURST = 50;
const frame = JSON.stringify({
  type: 'event',
  channel: 'rooms/42',
  event: 'message',
  data: { text: 'hello '.repeat(20), from: 'ann' },
  id: 'Zq3vV0p1Tq6cXyJw2m8s4A',
  at: 1_790_000_000_000,
});
const ids = Array.from({ length: POSTS }, (_, i) => `Zq3vV${i.toString(36).padStart(9, 'A')}=`);

/** The same client without signing, but with headers as long as signed ones. */
function unsigned(endpoint) {
  const transport = makeTransport(endpoint);
  const headers = [
    ['content-type', 'application/octet-stream'],
    ['host', endpoint.host],
    ['x-amz-date', '20261126T000000Z'],
    ['x-amz-security-token', process.env.AWS_SESSION_TOKEN],
    ['authorization', 'x'.repeat(280)],
    ['content-length', String(Buffer.byteLength(frame))],
  ].flat();
  return {
    async post(connectionId, body) {
      const path = `${endpoint.basePath}/@connections/${encodeURIComponent(connectionId)}`;
      const { status } = await transport(() => ({ method: 'POST', path, headers, body }), {});
      return { result: status === 200 ? 'delivered' : 'failed' };
    },
  };
}

async function postAll(gateway, list) {
  const queue = list.values();
  const work = async () => {
    for (const id of queue) {
      let outcome = await gateway.post(id, frame);
      // Repeat on a time-out of 3 s, which is caused by the machine and not by the sender.
      while (outcome.result === 'retry') outcome = await gateway.post(id, frame);
      if (outcome.result !== 'delivered') throw outcome.error ?? new Error(outcome.result);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
}

/** CPU time per post, in microseconds. */
async function cpu(gateway) {
  const before = process.cpuUsage();
  await postAll(gateway, ids);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / POSTS;
}

/** How long the first 50 posts of an environment take, in milliseconds. */
async function burst(post) {
  const start = performance.now();
  const outcomes = await Promise.all(ids.slice(0, BURST).map(post));
  if (outcomes.some(({ result }) => result !== 'delivered')) throw new Error('A post failed.');
  return performance.now() - start;
}

const endpoint = readEndpoint(url);
const makeGateway = {
  'AWS SDK': () => awsGateway(url),
  gatecast: () => connectionsGateway(endpoint),
  unsigned: () => unsigned(endpoint),
};
const rounds = {
  'all sockets at once'() {
    const gateway = connectionsGateway(endpoint);
    return burst((id) => gateway.post(id, frame));
  },
  'window from 8'() {
    const gateway = connectionsGateway(endpoint);
    const poster = new Poster(gateway, { endpoint: url, perSecond: 8_000 });
    return burst((id) => poster.post(id, frame, { limit: {} }));
  },
};
const gateway = makeGateway[sender]?.();
const round = rounds[sender] ?? (() => cpu(gateway));

process.on('message', () => {
  void round().then((figure) => process.send(figure));
});
process.on('disconnect', () => process.exit());
