// I3, I5: an environment that is lost is replaced, and answers are not kept. The original repro keeps all
// 600 answers itself, in promises that lose a race with a timer of 20 s.
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { startGateway } from '@gatecast/local';
import { WebSocket } from 'ws';
import { check, finish } from './lib.mjs';

const entry = fileURLToPath(new URL('fixtures/answers.mjs', import.meta.url));
const responses = [{ integrationResponseKey: '$default' }];
const integration = { type: 'AWS', passthroughBehavior: 'WHEN_NO_MATCH', responses };
const routes = [
  '$connect',
  { routeKey: 'raw', twoWay: true, integration },
  { routeKey: '$default', twoWay: true },
];

async function open() {
  const gateway = await startGateway({ entry, quiet: true, maxEnvironments: 1, routes });
  const socket = new WebSocket(gateway.url);
  await once(socket, 'open');
  const ask = async (text) => {
    const answer = once(socket, 'message').then(([data]) => data.length);
    const stop = new AbortController();
    const late = sleep(30_000, undefined, { signal: stop.signal }).catch(() => {});
    socket.send(text);
    const bytes = await Promise.race([answer, late]);
    stop.abort();
    return bytes;
  };
  const close = async () => {
    socket.terminate();
    await gateway.close();
  };
  return { ask, close };
}

const nested = `{"action":"raw","d":${'['.repeat(15_000)}${']'.repeat(15_000)}}`;
for (const text of [nested, '{"signal":true}']) {
  const { ask, close } = await open();
  await ask('{}');
  await ask(text);
  check((await ask('{}')) !== undefined, `no answer after ${text.slice(0, 20)}`);
  await close();
}

setFlagsFromString('--expose_gc');
const collect = runInNewContext('gc');
const { ask, close } = await open();
async function heapAfter(count) {
  for (let left = count; left > 0; left -= 1) await ask('{"size":30000}');
  collect();
  collect();
  return process.memoryUsage().heapUsed / 1e6;
}
const before = await heapAfter(50);
const grownMb = (await heapAfter(600)) - before;
check(grownMb < 9, `600 answers of 30 KB leave ${grownMb.toFixed(0)} MB`);
await close();
finish();
