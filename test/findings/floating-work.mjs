// B5: no work of a frame continues after its answer, and no work of a call after its failure.
import { setTimeout as sleep } from 'node:timers/promises';
import { defineChannel, memoryStore } from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import { check, finish, listener, replaceMethods } from './lib.mjs';

/** Subscribes to a channel that is refused at once and to one with a slow handler. */
async function subscribeToBoth({ name, store = memoryStore(), onSubscribe = () => {} }) {
  let hasEnded = false;
  const rooms = defineChannel('rooms/:id', {
    access: 'public',
    onSubscribe: async ({ params }) => {
      if (params.id === 'refused') return onSubscribe();
      await sleep(50);
      hasEnded = true;
    },
  });
  const client = await createTestApp({ channels: [rooms], store, plugins: [listener()] }).connect();
  const channels = ['rooms/refused', 'rooms/slow'];
  const { data } = await client.sendFrame({ action: 'subscribe', id: '1', channels });
  check(hasEnded, `${name}: @OnSubscribe of the other channel ended after the answer`);
  const results = data?.channels.map(({ result, error }) => error?.code ?? result);
  check(results?.[0] !== 'live', `${name}: the first channel is ${results?.[0]}`);
  return results;
}

const refused = await subscribeToBoth({
  name: 'a handler throws',
  onSubscribe() {
    throw new Error('no');
  },
});
check(refused?.[1] === 'live', `a handler throws: the other channel is ${refused?.[1]}`);

const memory = memoryStore();
await subscribeToBoth({
  name: 'the store says "gone" of one channel',
  store: replaceMethods(memory, {
    async subscribe(id, channels, ...rest) {
      const results = await memory.connections.subscribe(id, channels, ...rest);
      return results.map((result, index) =>
        channels[index] === 'rooms/refused' ? 'gone' : result,
      );
    },
  }),
});
finish();
