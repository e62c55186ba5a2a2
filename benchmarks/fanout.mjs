// Posting an event to many connections, 64 at once: the CPU time of a post through the AWS SDK, through
// Gatecast's own sender, and through the same client without signing; over plain sockets and over TLS.
// And the first 50 posts of a new environment over TLS: a window that grows beside sockets all at once.
// The server, the @connections API in the place of AWS's, is another process.
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { generate } from 'selfsigned';

const ROUNDS = 11;
const BURSTS = 15;

function start(name, { args = [], env = {} } = {}) {
  const file = fileURLToPath(new URL(`fanout-${name}.mjs`, import.meta.url));
  return fork(file, args, { env: { ...process.env, ...env }, execArgv: ['--expose-gc'] });
}

async function startServer(options) {
  const child = start('server', { args: [JSON.stringify(options)] });
  const [{ port }] = await once(child, 'message');
  return { child, url: `${options.key ? 'https' : 'http'}://localhost:${port}/dev` };
}

async function ask(client, question) {
  client.send(question);
  const ended = once(client, 'exit').then(() => {
    throw new Error('The client ended.');
  });
  const [answer] = await Promise.race([once(client, 'message'), ended]);
  ended.catch(() => {});
  return answer;
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

export async function measure() {
  const { key, cert } = await makeCertificate();
  const folder = mkdtempSync(join(tmpdir(), 'gatecast-fanout-'));
  const authority = join(folder, 'authority.pem');
  writeFileSync(authority, cert);
  const client = start('client', {
    env: {
      NODE_EXTRA_CA_CERTS: authority,
      AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
      AWS_REGION: 'eu-west-1',
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLEAKIDEXAMP',
      AWS_SECRET_ACCESS_KEY: 's'.repeat(40),
      AWS_SESSION_TOKEN: 't'.repeat(600),
    },
  });
  const children = [client];
  const rows = [];
  const ratios = {};
  try {
    for (const [name, options] of Object.entries({ plain: {}, TLS: { key, cert } })) {
      const { child, url } = await startServer(options);
      children.push(child);
      const times = await ask(client, { job: 'cpu', url, rounds: ROUNDS });
      const [sdk, ours, unsigned] = ['AWS SDK', 'gatecast', 'unsigned'].map((sender) => {
        const micros = lowerQuartile(times[sender]);
        rows.push({ name: `${sender}, ${name}`, 'CPU µs a post': rounded(micros, 1) });
        return micros;
      });
      ratios[`AWS SDK ÷ gatecast, ${name}`] = rounded(sdk / ours, 2);
      ratios[`gatecast ÷ unsigned, ${name}`] = rounded(ours / unsigned, 2);
    }
    const { child, url } = await startServer({ key, cert });
    children.push(child);
    const times = await ask(client, { job: 'burst', url, rounds: BURSTS });
    const [all, growing] = ['all sockets at once', 'window from 8'].map((way) => {
      const millis = lowerQuartile(times[way]);
      rows.push({ name: `first 50 posts, ${way}`, ms: rounded(millis, 1) });
      return millis;
    });
    ratios['window from 8 ÷ all sockets at once'] = rounded(growing / all, 2);
  } finally {
    for (const child of children) child.disconnect();
    rmSync(folder, { recursive: true });
  }
  for (const [name, ratio] of Object.entries(ratios)) rows.push({ name, ratio });
  return { benchmark: 'fanout', rounds: ROUNDS, node: process.version, ratios, rows };
}
