// One side of fanout.mjs: posts through each sender in turn and tells the CPU time of a post.
import { awsGateway } from '@gatecast/framework/aws-gateway';
// Not public: what createApp() posts through.
import { readEndpoint } from '../packages/framework/dist/deliver/apigw/endpoint.js';
import { connectionsGateway } from '../packages/framework/dist/deliver/apigw/post.js';
import { makeTransport } from '../packages/framework/dist/deliver/apigw/transport.js';
import { Poster } from '../packages/framework/dist/deliver/poster.js';

const POSTS = 1_000;
/** Rounds until the code of a sender runs as fast as it ever will. */
const WARM_UP = { 'AWS SDK': 3, gatecast: 10, unsigned: 10 };
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

/** The same client, with headers as long as signed ones, and without the work of signing. */
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
      const { status } = await transport({ method: 'POST', path, headers, body }, {});
      return { result: status === 200 ? 'delivered' : 'failed' };
    },
  };
}

async function postAll(gateway, list) {
  const queue = list.values();
  const work = async () => {
    for (const id of queue) {
      let outcome = await gateway.post(id, frame);
      // A machine that stands still for 3 s is no fault of the sender's.
      while (outcome.result === 'retry') outcome = await gateway.post(id, frame);
      if (outcome.result !== 'delivered') throw outcome.error ?? new Error(outcome.result);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, work));
}

async function cpuOfPost(gateway) {
  // What one sender leaves behind is not for the next one to clear away.
  globalThis.gc();
  const before = process.cpuUsage();
  await postAll(gateway, ids);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / POSTS;
}

/** CPU time of a post in microseconds, of several rounds. */
async function cpu(url, rounds) {
  const endpoint = readEndpoint(url);
  const senders = {
    'AWS SDK': awsGateway(url),
    gatecast: connectionsGateway(endpoint),
    unsigned: unsigned(endpoint),
  };
  const times = Object.fromEntries(Object.keys(senders).map((name) => [name, []]));
  for (const [name, rounds] of Object.entries(WARM_UP)) {
    for (let round = 0; round < rounds; round += 1) await cpuOfPost(senders[name]);
  }
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, sender] of Object.entries(senders)) times[name].push(await cpuOfPost(sender));
  }
  return times;
}

/** How long the first 50 posts of an environment take, in milliseconds, of several rounds. */
async function burst(url, rounds) {
  const endpoint = readEndpoint(url);
  const some = ids.slice(0, BURST);
  const times = { 'all sockets at once': [], 'window from 8': [] };
  for (let round = 0; round < rounds; round += 1) {
    for (const [name, list] of Object.entries(times)) {
      const gateway = connectionsGateway(endpoint);
      const poster = new Poster(gateway, { endpoint: url, perSecond: 8_000 });
      const post =
        name === 'window from 8'
          ? (id) => poster.post(id, frame, { limit: {} })
          : (id) => gateway.post(id, frame);
      const start = performance.now();
      const outcomes = await Promise.all(some.map(post));
      if (outcomes.some(({ result }) => result !== 'delivered')) throw new Error('A post failed.');
      list.push(performance.now() - start);
    }
  }
  return times;
}

const jobs = { cpu, burst };
process.on('message', ({ job, url, rounds }) => {
  void jobs[job](url, rounds).then((times) => process.send(times));
});
