// `npm run soak -- [--minutes N] [--invocations N]`: a local gateway under everything at once: 200
// clients, reloads, functions that end, faults, clients that do not read, and garbage on the port. At
// the end, every message must be answered or refused, the memory must be what it was after the first
// tenth, and no process may be left.
import { fork } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { WebSocket } from 'ws';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    invocations: { type: 'string', default: '100000' },
  },
});
const durationMs = Number(values.minutes) * 60_000;
const invocations = Number(values.invocations);
const CLIENTS = 200;
/** Longer than any invocation may take; the rest is for a busy machine. */
const ANSWER_MS = 60_000;
/** How much more memory there may be at the end. */
const GROWTH = 1.2;
/** A message of each kind, the ordinary ones more often. After the last three, a new process starts. */
const KINDS = [
  ...Array.from({ length: 60 }, () => 'echo'),
  ...Array.from({ length: 30 }, () => 'large'),
  'slow',
  'slow',
  'throw',
  'throw',
  'reject later',
  'exit later',
  'exit',
];

const counts = { answered: 0, refused: 0, closed: 0, unanswered: 0, 'answered by another': 0 };
const problems = [];
const pids = new Set();
const state = { isOver: false, isPaused: false, underWay: 0, version: 0 };
/** While it is pending, nobody does anything. */
let resume = Promise.resolve();

// Below the repository, so that the function finds its packages.
const directory = mkdtempSync(join(fileURLToPath(new URL('.', import.meta.url)), 'soak/.run-'));
const entry = join(directory, 'function.mjs');
const source = readFileSync(new URL('soak/function.mjs', import.meta.url), 'utf8');
writeFileSync(entry, source);

const gateway = fork(fileURLToPath(new URL('soak/gateway.mjs', import.meta.url)), [entry], {
  execArgv: ['--expose-gc'],
  // What functions print when they end as they were asked to says nothing here.
  stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
});
let printed = '';
gateway.stderr.on('data', (text) => {
  printed = (printed + text).slice(-4_000);
});
const ended = once(gateway, 'exit');
void ended.then(([code, signal]) => {
  if (!state.isOver) fail(`The gateway ended (${code ?? signal}):\n${printed}`);
});

/** What is to be done with the next message of each type. */
const listeners = new Map();
gateway.on('message', (message) => listeners.get(message.type)?.(message));

function told(type) {
  const next = new Promise((resolve) => listeners.set(type, resolve));
  const never = ended.then(() => Promise.reject(new Error('The gateway has ended.')));
  return Promise.race([next, never]);
}

function fail(problem) {
  if (problems.length < 20) problems.push(problem);
}

/** One message of one client: what it comes to. */
async function exchange(socket, kind) {
  const id = randomBytes(6).toString('hex');
  const text = await new Promise((resolve) => {
    const end = (outcome) => {
      clearTimeout(timer);
      socket.off('message', onMessage);
      socket.off('close', onClose);
      resolve(outcome);
    };
    const onMessage = (data) => end(String(data));
    const onClose = () => end('closed');
    const timer = setTimeout(end, ANSWER_MS, 'unanswered');
    socket.once('message', onMessage);
    socket.once('close', onClose);
    socket.send(JSON.stringify({ id, kind }));
  });
  if (text === 'closed' || text === 'unanswered') counts[text] += 1;
  if (text === 'unanswered') fail(`A message of the kind "${kind}" was not answered.`);
  if (!text.startsWith('{')) return undefined;
  const answer = JSON.parse(text);
  if (answer.pid) pids.add(answer.pid);
  if (answer.id === id) counts.answered += 1;
  else if (answer.id === undefined) counts.refused += 1;
  else {
    counts['answered by another'] += 1;
    fail(`A message of the kind "${kind}" got the answer to another one.`);
  }
  return answer;
}

async function open(url) {
  for (;;) {
    const socket = new WebSocket(url);
    socket.on('error', () => {});
    const isOpen = await once(socket, 'open').then(
      () => true,
      () => false,
    );
    if (isOpen || state.isOver) return socket;
    await sleep(50);
  }
}

/** Talks, and now and then leaves: with a close frame, or without. */
async function talk(url) {
  while (!state.isOver) {
    await resume;
    state.underWay += 1;
    const socket = await open(url);
    for (
      let left = 1 + Math.random() * 20;
      left > 0 && !state.isOver && !state.isPaused;
      left -= 1
    ) {
      await sleep(Math.random() * 4_000);
      if (socket.readyState !== WebSocket.OPEN) break;
      await exchange(socket, KINDS[Math.floor(Math.random() * KINDS.length)]);
    }
    if (Math.random() < 0.5) socket.close();
    else socket.terminate();
    state.underWay -= 1;
  }
}

/** A client that does not read, while a function posts to it until that is refused. */
async function neverRead(url) {
  while (!state.isOver) {
    await resume;
    state.underWay += 1;
    const socket = await open(url);
    socket.pause();
    socket.send(JSON.stringify({ id: 'flood', kind: 'flood' }));
    await sleep(3_000);
    socket.terminate();
    state.underWay -= 1;
    await sleep(1_000);
  }
}

const beginnings = [
  '',
  'GET / HTTP/1.1\r\n',
  'POST /dev/@connections/x HTTP/1.1\r\nhost: a\r\n\r\n',
];

async function writeGarbage(port) {
  while (!state.isOver) {
    await resume;
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    const beginning = beginnings[Math.floor(Math.random() * beginnings.length)];
    socket.write(beginning);
    socket.write(randomBytes(Math.floor(Math.random() * 2_000)));
    await sleep(Math.random() * 100);
    if (Math.random() < 0.5) socket.destroy();
    else socket.resetAndDestroy();
  }
}

async function reload() {
  while (!state.isOver) {
    await sleep(4_000);
    await resume;
    if (state.isOver) return;
    // One version in four does not load.
    const next = state.version + 1;
    const isBroken = next % 4 === 0;
    const text = source.replace('VERSION = 0', `VERSION = ${next}`);
    writeFileSync(entry, isBroken ? `${text}\nthrow new Error('As asked.');` : text);
    let result = await reloaded();
    // One write may be seen as two changes, of which the second failure comes late.
    const isLate = () => result.type === 'failed' && result.message.includes('As asked.');
    if (!isBroken) while (isLate()) result = await reloaded();
    state.version = next;
    if ((result.type === 'failed') !== isBroken) fail(`Version ${next} was ${result.type}.`);
    if (isBroken && !result.message.includes('As asked.')) fail(result.message);
  }
}

async function reloaded() {
  return Promise.race([told('reloaded'), told('failed')]);
}

async function injectFaults() {
  const faults = [
    { on: 'invocation', kind: 'killed', times: 2, delayMs: 5 },
    { on: 'invocation', kind: 'killed', times: 1 },
    { on: 'invocation', kind: 'delayed', times: 5, delayMs: 300 },
    { on: 'post', kind: 'delayed', times: 5, delayMs: 100 },
    { on: '$disconnect', kind: 'lost', times: 5 },
    { on: '$disconnect', kind: 'delayed', times: 5, delayMs: 500 },
  ];
  while (!state.isOver) {
    await sleep(500);
    await resume;
    const fault = faults[Math.floor(Math.random() * faults.length)];
    if (gateway.connected) gateway.send({ type: 'fault', fault });
  }
}

/** The gateway's memory in MB, while it has nothing to do. */
async function idleMemory() {
  let goOn;
  resume = new Promise((resolve) => {
    goOn = resolve;
  });
  state.isPaused = true;
  while (state.underWay > 0) await sleep(50);
  await sleep(500);
  const memory = await askMemory();
  state.isPaused = false;
  goOn();
  return memory;
}

async function askMemory() {
  const answer = told('memory');
  gateway.send({ type: 'memory' });
  return await answer;
}

function compare(what, before, after) {
  const growth = after.usedMb / before.usedMb;
  if (growth > GROWTH) {
    const [from, to] = [before, after].map(({ usedMb }) => usedMb.toFixed(1));
    fail(`The memory grew from ${from} to ${to} MB ${what}.`);
  }
  return { 'first, MB': before.usedMb.toFixed(1), 'last, MB': after.usedMb.toFixed(1) };
}

/** Answers of 30 KB, from ten clients that wait for each. */
async function invoke(url, count) {
  let left = count;
  const work = async () => {
    const socket = await open(url);
    for (; left > 0 && socket.readyState === WebSocket.OPEN; left -= 1) {
      await exchange(socket, 'large');
    }
    socket.close();
  };
  await Promise.all(Array.from({ length: 10 }, work));
}

/** Whether it is still a process of this gateway: the system may have given its number to another one. */
function isRunning(pid, port) {
  try {
    process.kill(pid, 0);
    if (process.platform !== 'linux') return true;
    return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(`:${port}/`);
  } catch {
    return false;
  }
}

try {
  const { url, port } = await told('open');
  const work = [
    ...Array.from({ length: CLIENTS }, () => talk(url)),
    ...Array.from({ length: 3 }, () => neverRead(url)),
    writeGarbage(port),
    reload(),
    injectFaults(),
  ];
  await Promise.race([sleep(durationMs / 10), ended]);
  const first = await idleMemory();
  await Promise.race([sleep((durationMs * 9) / 10), ended]);
  const last = await idleMemory();
  const rows = [{ what: `${values.minutes} min`, ...compare('in the whole time', first, last) }];
  state.isOver = true;
  await Promise.all(work);
  const socket = await open(url);
  await exchange(socket, 'echo');
  socket.close();

  if (invocations > 0) {
    await invoke(url, invocations / 10);
    const before = await askMemory();
    await invoke(url, (invocations * 9) / 10);
    const after = await askMemory();
    const what = `${invocations} answers of 30 KB`;
    rows.push({ what, ...compare(`with ${what}`, before, after) });
  }
  gateway.send({ type: 'close' });
  const hasEnded = await Promise.race([ended.then(() => true), sleep(30_000, false)]);
  if (!hasEnded) fail('The gateway did not end by itself.');
  const left = [...pids].filter((pid) => isRunning(pid, port));
  if (left.length > 0) fail(`${left.length} of ${pids.size} processes of functions are left.`);
  console.table(rows);
  console.table({ ...counts, 'processes of functions': pids.size, reloads: state.version });
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length > 0 ? 1 : 0;
} finally {
  state.isOver = true;
  gateway.kill('SIGKILL');
  rmSync(directory, { recursive: true, force: true });
}
