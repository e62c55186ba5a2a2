// What the README and the docstrings say, against the constants that the code works with. The other
// tests here hold the code to the same numbers by what it does.
import { readdirSync, readFileSync } from 'node:fs';
import { MAX_FRAME_BYTES, wireErrors } from '@gatecast/protocol';
import { describe, expect, it } from 'vitest';
import { tailCheckOf } from '../../framework/src/dispatch/tail-check.js';
import { REMEMBERED } from '../src/channel-events.js';
import { PINGS_PER_SYNC } from '../src/create-client.js';
import { type ConnectionState, clientErrors } from '../src/index.js';
import { PONG_MS, PROBE_AFTER_MS } from '../src/keep-alive.js';
import { GAP_MS } from '../src/log-reader.js';
import { MAX_UNANSWERED, RESEND_WITHIN_MS } from '../src/outbox.js';
import { INTEGRATION_MS, MAX_DELAYS } from '../src/request-table.js';
import { MAX_WAIT_MS, OUTAGE_MS, REFUSALS, SUBSCRIBE_MS } from '../src/subscription.js';
import {
  CONNECT_MS,
  FAILURES,
  HAND_OVER_MS,
  HAND_OVER_WITHIN_MS,
  KEEP_ALIVE_MS,
  STABLE_MS,
} from '../src/supervisor.js';
import { ANSWERED_WITHIN_MS, BASE_MS, CAP_MS } from '../src/timers.js';
import { CLOSE_MS } from '../src/web-socket.js';

/** A file as one line, so that a sentence is found wherever it is broken. */
function read(path: string): string {
  const text = readFileSync(new URL(path, import.meta.url), 'utf8');
  return text.replaceAll(/\n *\*/g, '').replaceAll(/\s+/g, ' ');
}

const readme = read('../README.md');
const guide = read('../../../docs/client.md');
const source = (name: string): string => read(`../src/${name}.ts`);

function seconds(ms: number): string {
  return `${ms / 1_000} s`;
}

function minutes(ms: number): string {
  return `${ms / 60_000} min`;
}

const handOver = `${HAND_OVER_MS / 60_000} to ${minutes(HAND_OVER_MS + HAND_OVER_WITHIN_MS)}`;

function grouped(value: number): string {
  return value.toLocaleString('en-US').replaceAll(',', '_');
}

/** When a client checks, if the server does not know how many subscribers a channel has. */
function untilChecked(): string {
  const unknown = { position: {} } as unknown as Parameters<typeof tailCheckOf>[0];
  const { afterMs = 0, windowMs = 0 } = tailCheckOf(unknown) ?? {};
  return `${afterMs / 1_000} to ${(afterMs + windowMs) / 1_000} s`;
}

describe('the README says', () => {
  it.each([
    `| token and handshake together | ${seconds(CONNECT_MS)} |`,
    `a limit that doubles from ${seconds(BASE_MS)} to ${seconds(CAP_MS)}.`,
    `After a connection of ${seconds(STABLE_MS)} it is ${seconds(BASE_MS)} again`,
    `| answer to \`subscribe()\`, \`unsubscribe()\` | ${seconds(SUBSCRIBE_MS)} |`,
    `with \`retryAfterMs\` up to ${seconds(MAX_WAIT_MS)} | tried again ${REFUSALS} times; for ${seconds(OUTAGE_MS)}, if the server`,
    `| planned hand-over to a second connection | random, ${handOver} after the first was opened |`,
    `a connection in \`history()\`, and then for the answer | ${seconds(ANSWERED_WITHIN_MS)} each |`,
    `| a message without an answer is sent again | after ${seconds(INTEGRATION_MS)}, or on the next connection |`,
    `an error that API Gateway itself answered | sent again ${MAX_DELAYS} times |`,
    `| a message is given up, from the first time it was sent | ${minutes(RESEND_WITHIN_MS)} | \`timeoutMs\`;`,
    `| an event waits for those that it overtook | ${GAP_MS[0]} ms to ${(1.5 * GAP_MS[1]) / 1_000} s,`,
    `with every ${PINGS_PER_SYNC}th ping |`,
    `[${untilChecked()}](https`,
    `| silence before a ping | ${minutes(KEEP_ALIVE_MS)} |`,
    `| a request without an answer, before a ping | ${seconds(PROBE_AFTER_MS)} |`,
    `| answer to a ping | ${seconds(PONG_MS)} |`,
    `from the ${FAILURES}rd failed attempt in a row on`,
    `Nothing: ${MAX_UNANSWERED} messages and reads have no answer yet.`,
    `the frame has more than ${MAX_FRAME_BYTES / 1_024} KB.`,
    `among the last ${REMEMBERED} of a channel`,
    `is ended after ${seconds(CLOSE_MS)}.`,
  ])('L10 %s', (sentence) => expect(readme).toContain(sentence));

  it('L10 what each state is, and every code that the client gives', () => {
    const states: Readonly<Record<ConnectionState, true>> = {
      connecting: true,
      connected: true,
      waiting: true,
      closed: true,
    };
    for (const state of Object.keys(states)) expect(readme).toContain(`| \`${state}\` |`);
    for (const code of Object.keys(clientErrors)) expect(readme).toContain(`| \`${code}\` |`);
  });

  it('L10 no code that nobody gives', () => {
    const known = Object.keys({ ...clientErrors, ...wireErrors });
    for (const code of readme.match(/ERR_[A-Z_]+/g) ?? []) expect(known).toContain(code);
  });

  it('L10 no number that is not checked here', () => {
    const checked = new Set(['30 s', '0.5 s', '20 s', '5 s', '10 s', '5 min', '4 min', '1 s']);
    checked.add('23 s');
    for (const time of ['115 min', '29 s', '150 ms', '3 s', '60 s']) checked.add(time);
    const times = readme.match(/\d[\d.]* (?:s|min|ms)\b/g) ?? [];
    expect(times.filter((time) => !checked.has(time))).toEqual([]);
  });
});

describe('the guide says', () => {
  it.each([
    `At most ${MAX_UNANSWERED} messages wait`,
    `or after ${seconds(INTEGRATION_MS)}, and up to ${MAX_DELAYS} times after an error of API Gateway itself`,
    `${minutes(RESEND_WITHIN_MS)} after it was sent first`,
    `if there is no answer within ${seconds(PONG_MS)}`,
    `between ${HAND_OVER_MS / 60_000} and ${minutes(HAND_OVER_MS + HAND_OVER_WITHIN_MS)}`,
    `As many as fit into ${MAX_FRAME_BYTES / 1_024} KB`,
  ])('L10 %s', (sentence) => expect(guide).toContain(sentence));
});

describe('a docstring says', () => {
  it.each([
    ['client', `else ${grouped(KEEP_ALIVE_MS)}; API Gateway ends`],
    ['client', `asks for more than ${seconds(MAX_WAIT_MS)} |`],
    ['client', 'a WebSocket of `ws` gives up after a second'],
    [
      'channel',
      `\`retryAfterMs\` is at most ${seconds(MAX_WAIT_MS)} is tried again, ${REFUSALS} times.`,
    ],
    ['channel', `names such a time is asked for ${seconds(OUTAGE_MS)}.`],
    ['channel', `or \`ERR_TIMEOUT\` (${seconds(SUBSCRIBE_MS)} after the server was asked)`],
    ['channel', `or \`ERR_TIMEOUT\` (${seconds(SUBSCRIBE_MS)}). The client goes on`],
    ['channel', `\`ERR_QUEUE_FULL\` (${MAX_UNANSWERED} without an answer)`],
    ['channel', `the channel's last ${REMEMBERED} is dropped`],
    ['channel', `after ${seconds(INTEGRATION_MS)}, when the server does not know the outcome`],
    ['channel', `up to ${MAX_DELAYS} times after an error of API Gateway`],
    ['channel', `(${minutes(RESEND_WITHIN_MS)} after it was first written)`],
    [
      'channel',
      `It waits ${seconds(ANSWERED_WITHIN_MS)} for a connection, and again for the answer`,
    ],
    ['channel', `one answer of ${MAX_FRAME_BYTES / 1_024} KB come`],
    ['messages', `then ${minutes(RESEND_WITHIN_MS)}, or what the server says`],
    ['keep-alive', `or ${seconds(PROBE_AFTER_MS)} after a request that nothing answers`],
    ['keep-alive', `comes within another ${seconds(PONG_MS)}`],
    ['timers', `doubles from ${seconds(BASE_MS)} to ${seconds(CAP_MS)}.`],
  ])('L10 in %s.ts: %s', (name, sentence) => expect(source(name)).toContain(sentence));

  it('L10 no code that nobody gives', () => {
    const known = Object.keys({ ...clientErrors, ...wireErrors });
    const names = readdirSync(new URL('../src', import.meta.url));
    const codes = names.flatMap((name) => read(`../src/${name}`).match(/ERR_[A-Z_]*[A-Z]/g) ?? []);
    expect(codes.length).toBeGreaterThan(30);
    expect(codes.filter((code) => !known.includes(code))).toEqual([]);
  });

  it('L10 that the third failure is the first that is told', () => {
    expect(FAILURES).toBe(3);
    expect(source('client')).toContain('the third attempt in a row has failed');
  });
});
