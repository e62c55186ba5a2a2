import { cp, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createClient } from '@gatecast/client';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { startGateway } from '../src/dev/start-gateway.js';
import type { ReloadEvent } from '../src/lambda/versions.js';
import type { RoomChannel } from './fixtures/rooms-on-dynamodb/app.js';

const app = fileURLToPath(new URL('fixtures/rooms-on-dynamodb', import.meta.url));
const modules = fileURLToPath(new URL('../../../node_modules', import.meta.url));
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-reload-'));
  await cp(app, directory, { recursive: true });
  await symlink(modules, join(directory, 'node_modules'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

/** Writes the source atomically, because a watcher must not see a half-written file. */
async function writeVersion(version: number): Promise<void> {
  const file = join(directory, 'version.ts');
  await writeFile(`${file}.new`, `export const version = ${version};\n`);
  await rename(`${file}.new`, file);
}

interface Answer {
  readonly text: string;
  readonly version: number;
  readonly pid: number;
}

/** A client that sends one message after the other, each after the answer to the previous one. */
class Talker implements Disposable {
  readonly heard: string[] = [];
  readonly states: unknown[] = [];
  readonly #name: string;
  readonly #client;
  readonly #room;
  #isOver = false;

  constructor(url: string, name: string) {
    this.#name = name;
    this.#client = createClient({ url, WebSocket });
    this.#client.onState((...state) => this.states.push(state));
    this.#room = this.#client.channel<RoomChannel>('rooms/1');
    this.#room.on('said', ({ text }) => this.heard.push(text));
  }

  async join(): Promise<void> {
    await this.#room.subscribe();
  }

  async talk(onAnswer: (answer: Answer) => void): Promise<void> {
    for (let count = 1; !this.#isOver; count += 1) {
      const text = `${this.#name} ${count}`;
      onAnswer({ text, ...(await this.#room.send('say', text)) });
    }
  }

  stop(): void {
    this.#isOver = true;
  }

  /** The answer comes after all events that were posted before. */
  async leave(): Promise<void> {
    await this.#room.unsubscribe();
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

it('a reload loses no connection and no message of an app on dynamoDbStore', {
  timeout: 90_000,
}, async () => {
  const reloads: ReloadEvent[] = [];
  await using gateway = await startGateway({
    quiet: true,
    entry: join(directory, 'app.ts'),
    // Fewer than clients, so that a message is waiting whenever a version ends.
    maxEnvironments: 2,
    watch: true,
    onReload: (event) => reloads.push(event),
  });
  using ann = new Talker(gateway.url, 'ann');
  using bob = new Talker(gateway.url, 'bob');
  using cid = new Talker(gateway.url, 'cid');
  const talkers = [ann, bob, cid];
  await Promise.all(talkers.map((talker) => talker.join()));

  const answers: (Answer & { readonly reloads: number })[] = [];
  const take = (answer: Answer) => answers.push({ ...answer, reloads: reloads.length });
  const talking = Promise.allSettled(talkers.map((talker) => talker.talk(take)));
  const untilBothProcessesAnswer = (version: number) =>
    vi.waitFor(
      () => {
        const pids = answers.filter((answer) => answer.version === version).map(({ pid }) => pid);
        expect(new Set(pids).size).toBe(2);
      },
      { timeout: 20_000 },
    );
  await untilBothProcessesAnswer(1);
  for (const version of [2, 3, 4]) {
    await writeVersion(version);
    await untilBothProcessesAnswer(version);
  }
  for (const talker of talkers) talker.stop();

  expect(await talking).toEqual(talkers.map(() => ({ status: 'fulfilled', value: undefined })));
  await Promise.all(talkers.map((talker) => talker.leave()));
  const acknowledged = answers.map(({ text }) => text).sort();
  for (const { heard, states } of talkers) {
    expect(states).toEqual([['connected', undefined]]);
    expect(heard.sort()).toEqual(acknowledged);
  }
  expect(reloads).toEqual(
    [2, 3, 4].map(() => ({ type: 'reloaded', functionName: 'app', closedConnections: false })),
  );
  // Each version completed the messages that it had begun.
  expect(answers.some((answer) => answer.version === answer.reloads)).toBe(true);
});
