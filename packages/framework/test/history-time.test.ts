import { createApp, defineChannel, type MessageLog, memoryStore } from '@gatecast/framework';
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { listen } from './heard.js';
import { eventOf, gatewayWith, runSimulated } from './lambda.js';

const LEFT_MS = 900;
const LATE_MS = LEFT_MS + 1_000;
const position = `${'a'.repeat(12)}:1:x`;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** An app in which one part takes too long, and all later parts record that they were reached. */
async function makeLateApp(part: string) {
  const reached: string[] = [];
  const step = async (name: string): Promise<void> => {
    reached.push(name);
    if (name === part) await new Promise((resolve) => setTimeout(resolve, LATE_MS));
  };
  const rooms = defineChannel('rooms/:id', {
    history: { retentionSeconds: 600 },
    access: async ({ operation }) => {
      await step(operation);
      return true;
    },
  });
  const store = memoryStore();
  const log = store.log as MessageLog;
  const reads = (['head', 'readAfter', 'readBefore'] as const).map((name) => vi.spyOn(log, name));
  const ear = listen();
  const app = createApp({
    channels: [rooms],
    store,
    gateway: gatewayWith(),
    plugins: [
      ear.plugin,
      {
        name: 'late',
        async onHistory(_ctx, next) {
          await step('onHistory');
          await next();
        },
      },
    ],
  });
  await app.handler(eventOf.connect('c1'));
  await store.connections.subscribe('c1', ['rooms/1'], { maxChannels: 9, maxBytes: 999 });
  return { app, reached, ear, reads };
}

const frames = {
  history: { action: 'history', channel: 'rooms/1' },
  resume: { action: 'subscribe', channels: [{ channel: 'rooms/1', position }] },
  rewind: { action: 'subscribe', channels: [{ channel: 'rooms/1', rewind: 1 }] },
  sync: { action: 'sync', positions: { 'rooms/1': position } },
};

it.each<[keyof typeof frames, string, string[]]>([
  ['history', 'history', ['history']],
  ['history', 'onHistory', ['history', 'onHistory']],
  ['resume', 'history', ['subscribe', 'history']],
  ['resume', 'onHistory', ['subscribe', 'history', 'onHistory']],
  ['rewind', 'history', ['subscribe', 'history']],
  ['rewind', 'onHistory', ['subscribe', 'history', 'onHistory']],
  ['sync', 'subscribe', ['subscribe']],
])('B2 %s: nothing begins after %s, which is blamed', async (kind, part, expected) => {
  const { app, reached, ear, reads } = await makeLateApp(part);
  const frame = eventOf.frame('c1', { id: 'f', ...frames[kind] });
  const { answer } = await runSimulated(app.handler, frame, LEFT_MS);
  expect(JSON.stringify(answer.frame)).toContain('ERR_TIMEOUT');
  await vi.advanceTimersByTimeAsync(2 * LATE_MS);
  expect(reached).toEqual(expected);
  for (const read of reads) expect(read).not.toHaveBeenCalled();
  expect(new Set(ear.codes())).toEqual(new Set(['ERR_HANDLER_TIMEOUT']));
});
