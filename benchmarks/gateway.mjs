// The local gateway with a trivial function: the memory of 5,000 connections, and whether 2,000 messages
// per second over 50 of them are answered exactly once each, and in order with the quirk `serial`. For
// comparison, an echo server with only `ws`.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';

const CONNECTIONS = 5_000;
const OPENING_AT_ONCE = 50;
const SENDING = 50;
const MESSAGES_A_SECOND = 2_000;
const SECONDS = 10;
const DRAIN_SECONDS = 20;

async function startServer(name) {
  const file = fileURLToPath(new URL('gateway-server.mjs', import.meta.url));
  const child = fork(file, [name], { execArgv: ['--expose-gc'] });
  const [{ url }] = await once(child, 'message');
  return {
    url,
    async memory() {
      child.send('memory');
      const [{ bytes }] = await once(child, 'message');
      return bytes;
    },
    async close() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}

/** Opens connections, a few at once. Each sends one message to check that it works. */
async function openAll(url, count) {
  const connections = [];
  const openSome = async () => {
    while (connections.length < count) {
      const webSocket = new WebSocket(url, { perMessageDeflate: false });
      connections.push(webSocket);
      await once(webSocket, 'open');
      webSocket.send('hello');
      await once(webSocket, 'message');
    }
  };
  await Promise.all(Array.from({ length: OPENING_AT_ONCE }, openSome));
  return connections;
}

async function closeAll(connections) {
  await Promise.all(
    connections.map(async (webSocket) => {
      webSocket.close();
      await once(webSocket, 'close');
    }),
  );
}

/** Sends at a constant rate over all connections in turn, without waiting for answers. */
async function load(connections) {
  const total = MESSAGES_A_SECOND * SECONDS;
  const answers = new Uint8Array(total);
  // Measured from the time at which a message was due, so that late sending counts, too.
  const latencies = new Float64Array(total);
  const start = performance.now();
  const dueAt = (index) => start + (index * 1_000) / MESSAGES_A_SECOND;
  let answered = 0;
  let doubled = 0;
  let outOfOrder = 0;
  let lastAnswerAt = start;
  let finish;
  const allAnswered = new Promise((resolve) => {
    finish = resolve;
  });
  for (const webSocket of connections) {
    let latest = -1;
    webSocket.on('message', (data) => {
      const index = Number(data);
      if (index < latest) outOfOrder += 1;
      latest = Math.max(latest, index);
      answers[index] += 1;
      if (answers[index] > 1) {
        doubled += 1;
        return;
      }
      answered += 1;
      lastAnswerAt = performance.now();
      latencies[index] = lastAnswerAt - dueAt(index);
      if (answered === total) finish();
    });
  }
  let sent = 0;
  while (sent < total) {
    for (; sent < total && dueAt(sent) <= performance.now(); sent += 1) {
      connections[sent % connections.length].send(String(sent));
    }
    await wait(1);
  }
  await Promise.race([allAnswered, wait(DRAIN_SECONDS * 1_000, undefined, { ref: false })]);
  const sorted = latencies.filter((_, index) => answers[index] > 0).sort();
  const percentile = (share) => Number(sorted[Math.floor(sorted.length * share)]?.toFixed(1));
  return {
    sent,
    answered,
    lost: sent - answered,
    doubled,
    'out of order': outOfOrder,
    'messages a second': Math.round((answered * 1_000) / (lastAnswerAt - start)),
    'ms, median': percentile(0.5),
    'ms, 99 of 100': percentile(0.99),
  };
}

async function measureServer(name) {
  const server = await startServer(name);
  try {
    // Warm-up, so that code that is loaded once does not count as memory of connections.
    await closeAll(await openAll(server.url, CONNECTIONS / 50));
    const before = await server.memory();
    const connections = await openAll(server.url, CONNECTIONS);
    const after = await server.memory();
    const open = connections.filter(({ readyState }) => readyState === WebSocket.OPEN).length;
    const figures = await load(connections.slice(0, SENDING));
    await closeAll(connections);
    return {
      name,
      connections: open,
      'KB a connection': Number(((after - before) / 1024 / CONNECTIONS).toFixed(1)),
      ...figures,
    };
  } finally {
    await server.close();
  }
}

export async function measure() {
  const rows = [];
  for (const name of ['ws', 'gatecast', 'gatecast, serial']) rows.push(await measureServer(name));
  return { benchmark: 'gateway', seconds: SECONDS, node: process.version, rows };
}
