import { describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  answer,
  client,
  current,
  pass,
  refuse,
  start,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();

/** Rejections that nobody handles, from now on. */
function strays(): unknown[] {
  const found: unknown[] = [];
  const others = process.listeners('unhandledRejection');
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', (reason) => found.push((reason as { code: string }).code));
  onTestFinished(() => {
    process.removeAllListeners('unhandledRejection');
    for (const listener of others) process.on('unhandledRejection', listener);
  });
  return found;
}

/** Node looks for unhandled rejections after its microtasks. */
async function settled(): Promise<void> {
  await pass(0);
  vi.useRealTimers();
  await new Promise((resolve) => {
    setImmediate(resolve);
  });
}

describe('send()', () => {
  const id = 'an-id-that-the-page-kept';

  it('with an id that waits already has the answer to the first', async () => {
    await start();
    const both = [1, 2].map(() => watch(client.channel('a').send('post', 'A', { id })));
    await pass(0);
    expect(current().of('a.post')).toMatchObject([{ id }]);
    await answer('done');
    expect(both.map((outcome) => outcome())).toEqual(['done', 'done']);
    watch(client.channel('a').send('post', 'A', { id }));
    expect(current().of('a.post')).toHaveLength(2);
  });

  it.each([
    ['data', () => client.channel('a').send('post', 'B', { id })],
    ['a message', () => client.channel('a').send('edit', 'A', { id })],
    ['a channel', () => client.channel('b').send('post', 'A', { id })],
  ])('is refused for %s of its own under an id that waits already', async (_, sendOther) => {
    await start();
    const first = watch(client.channel('a').send('post', 'A', { id }));
    const other = watch(sendOther());
    await pass(0);
    expect([first(), other()]).toEqual(['pending', 'ERR_MESSAGE_INVALID']);
    await answer('done');
    expect(first()).toBe('done');
    expect(current().sent).toHaveLength(1);
  });

  it('F9 is refused when 100 messages have no answer, and works again with the first answer', async () => {
    await start();
    const sent = Array.from({ length: 100 }, (_, index) =>
      watch(client.channel(`rooms/${index % 2}`).send('post', index)),
    );
    const tooMany = watch(client.channel('a').send('post'));
    await pass(0);
    expect(tooMany()).toBe('ERR_QUEUE_FULL');
    await answer('done', current().sent[0]?.id);
    expect(sent[0]?.()).toBe('done');
    const again = watch(client.channel('a').send('post'));
    await pass(0);
    expect(again()).toBe('pending');
  });

  it('F9 is refused after close()', async () => {
    await start();
    client.close();
    const sent = watch(client.channel('a').send('post'));
    const joined = watch(client.channel('a').subscribe());
    await pass(60_000);
    expect([sent(), joined()]).toEqual(['ERR_CLOSED', 'ERR_CLOSED']);
  });

  it('F9 that is pending at close() is refused, and need not be waited for', async () => {
    await start();
    const found = strays();
    const written = watch(client.channel('a').send('post'));
    const waiting = watch(client.channel('a').send('post'));
    void client.channel('b').send('post');
    void client.channel('b').send('post');
    client.close();
    await settled();
    expect([written(), waiting()]).toEqual(['ERR_CLOSED', 'ERR_CLOSED']);
    expect(found).toEqual([]);
  });

  it('F9 that the server refuses is to be waited for', async () => {
    await start();
    const found = strays();
    void client.channel('a').send('post');
    await refuse({ code: 'ERR_FORBIDDEN' });
    await settled();
    expect(found).toEqual(['ERR_FORBIDDEN']);
  });

  it('F9 without a reply, and a subscription that is taken back, need not be waited for', async () => {
    await start();
    const found = strays();
    void client.channel('a').subscribe();
    void client.channel('a').unsubscribe();
    void client.channel('b').subscribe();
    client.close();
    void client.channel('a').send('typing', 1, { reply: false });
    await settled();
    expect(found).toEqual([]);
  });
});

describe('a frame', () => {
  /** The data with which a message has so many bytes as a frame. */
  function dataFor(bytes: number): string {
    const frame = { action: 'a.post', id: 'x'.repeat(22), channel: 'a', data: '' };
    return 'x'.repeat(bytes - JSON.stringify(frame).length);
  }

  it('F5 may have as many bytes as API Gateway takes, with room for another attempt', async () => {
    await start();
    const fits = watch(client.channel('a').send('post', dataFor(32_752)));
    await answer('done');
    expect(fits()).toBe('done');
    const sending = client.channel('a').send('post', dataFor(32_753));
    await expect(sending).rejects.toMatchObject({
      code: 'ERR_MESSAGE_INVALID',
      message: 'The frame of "a.post" to "a" has 32769 bytes. Send at most 32768.',
    });
  });

  it('F5 is measured in bytes of UTF-8', async () => {
    await start();
    for (const text of ['é', '€', '🔑', '\ud800']) {
      const data = text.repeat(40_000 / Buffer.byteLength(JSON.stringify(text).slice(1, -1)));
      const sent = watch(client.channel('a').send('post', data));
      await pass(0);
      expect(sent()).toBe('ERR_MESSAGE_INVALID');
    }
  });
});
