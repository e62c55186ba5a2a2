// Posts an event to many connections, 64 at once: the CPU time per post with the AWS SDK, with Gatecast's
// own sender, and with the same client without signing; over plain sockets and over TLS. Also the first
// 50 posts of a new environment over TLS, with a growing window and with all sockets at once. The server,
// a stand-in for the @connections API, is another process.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate } from 'selfsigned';

const ROUNDS = 15;
/** Rounds that do not count, until the code of a sender is fully optimised. */
const WARM_UP = 8;
const SENDERS = ['AWS SDK', 'gatecast', 'unsigned'];
const WAYS = ['all sockets at once', 'window from 8'];

function start(name, { args, env = {} }) {
  const file = fileURLToPath(new URL(`fanout-${name}.mjs`, import.meta.url));
  return fork(file, args, { env: { ...process.env, ...env } });
}

async function startServer(options) {
  const child = start('server', { args: [JSON.stringify(options)] });
  const [{ port }] = await once(child, 'message');
  return { child, url: `${options.key ? 'https' : 'http'}://localhost:${port}/dev` };
}

/** Starts a client, which measures one round after the other. */
function startClient(sender, { url, env, children }) {
  const child = start('client', { args: [sender, url], env });
  children.push(child);
  const ended = once(child, 'exit').then(() => {
    throw new Error(`The client of "${sender}" ended.`);
  });
  // It ends normally after the measurement.
  ended.catch(() => {});
  return async () => {
    child.send('round');
    return Promise.race([once(child, 'message').then(([figure]) => figure), ended]);
  };
}

async function makeCertificate() {
  const { private: key, cert } = await generate([{ name: 'commonName', value: 'localhost' }], {
    keyType: 'ec',
    extensions: [
      { name: 'basicConstraints', cA: true, critical: true },
      { name: 'subjectAltName', altNames: [{ type: 2, value: 'localhost' }] },
    ],
  });
  return { key, cert };
}

const lowerQuartile = (list) => list.toSorted((a, b) => a - b)[Math.floor(list.length / 4)];
const rounded = (number, digits) => Number(number.toFixed(digits));

/** Lower quartiles of the clients' measurements. The clients take turns. */
async function compare(senders, options) {
  const clients = senders.map((sender) => startClient(sender, options));
  const figures = senders.map(() => []);
  for (let round = 0; round < WARM_UP + ROUNDS; round += 1) {
    for (const [index, measureRound] of clients.entries()) {
      const figure = await measureRound();
      if (round >= WARM_UP) figures[index].push(figure);
    }
  }
  return figures.map(lowerQuartile);
}

export async function measure() {
  const { key, cert } = await makeCertificate();
  const folder = mkdtempSync(join(tmpdir(), 'gatecast-fanout-'));
  const authority = join(folder, 'authority.pem');
  writeFileSync(authority, cert);
  const env = {
    NODE_EXTRA_CA_CERTS: authority,
    AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
    AWS_REGION: 'eu-west-1',
    AWS_ACCESS_KEY_ID: 'AKIDEXAMPLEAKIDEXAMP',
    AWS_SECRET_ACCESS_KEY: 's'.repeat(40),
    AWS_SESSION_TOKEN: 't'.repeat(600),
  };
  const children = [];
  const rows = [];
  const ratios = {};
  try {
    for (const [name, options] of Object.entries({ plain: {}, TLS: { key, cert } })) {
      const { child, url } = await startServer(options);
      children.push(child);
      const [sdk, ours, unsigned] = await compare(SENDERS, { url, env, children });
      rows.push({ name: `AWS SDK, ${name}`, 'CPU µs a post': rounded(sdk, 1) });
      rows.push({ name: `gatecast, ${name}`, 'CPU µs a post': rounded(ours, 1) });
      rows.push({ name: `unsigned, ${name}`, 'CPU µs a post': rounded(unsigned, 1) });
      ratios[`AWS SDK ÷ gatecast, ${name}`] = rounded(sdk / ours, 2);
      ratios[`gatecast ÷ unsigned, ${name}`] = rounded(ours / unsigned, 2);
    }
    const { child, url } = await startServer({ key, cert });
    children.push(child);
    const [all, growing] = await compare(WAYS, { url, env, children });
    rows.push({ name: 'first 50 posts, all sockets at once', ms: rounded(all, 1) });
    rows.push({ name: 'first 50 posts, window from 8', ms: rounded(growing, 1) });
    ratios['window from 8 ÷ all sockets at once'] = rounded(growing / all, 2);
  } finally {
    for (const child of children) if (child.connected) child.disconnect();
    rmSync(folder, { recursive: true });
  }
  for (const [name, ratio] of Object.entries(ratios)) rows.push({ name, ratio });
  return { benchmark: 'fanout', rounds: ROUNDS, node: process.version, ratios, rows };
}
