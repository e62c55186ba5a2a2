import { describe, expect, it } from 'vitest';
import { asked, entries, outcome, position, push } from './channel-log.js';
import {
  accept,
  client,
  current,
  pass,
  reconnect,
  start,
  useVirtualTime,
  watch,
} from './virtual-time.js';

useVirtualTime();

const KEY = 'gatecast:ws://127.0.0.1/dev:a';

/** A `Storage`, of what a browser's has. */
class Shelf {
  readonly all = new Map<string, string>();
  getItem(key: string): string | null {
    return this.all.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    this.all.set(key, value);
  }
  removeItem(key: string): void {
    this.all.delete(key);
  }
}

/** A page of the app: what it gets, until it is left. */
async function load(storage: () => Shelf): Promise<unknown[]> {
  const heard: unknown[] = [];
  await start({ storage });
  client.channel('a').on('message', (data) => heard.push(data));
  client.channel('a').onReset(({ reason }) => heard.push(reason));
  watch(
    client
      .channel('a')
      .subscribe({ rewind: 5 })
      .then(({ result }) => heard.push(result)),
  );
  await pass(0);
  return heard;
}

describe('positions that are kept', () => {
  it('let the next page go on where the last one stopped', async () => {
    const shelf = new Shelf();
    await load(() => shelf);
    expect(asked()).toEqual([{ channel: 'a', rewind: 5 }]);
    await outcome({ result: 'live', position: position(10) });
    expect([...shelf.all]).toEqual([[KEY, position(10)]]);
    await push(11, 13);
    expect([...shelf.all]).toEqual([[KEY, position(11)]]);
    client.close();
    const heard = await load(() => shelf);
    expect(asked()).toEqual([{ channel: 'a', position: position(11), rewind: 5 }]);
    await outcome({ result: 'resumed', position: position(13), events: entries(12, 13) });
    expect(heard).toEqual([12, 13, 'resumed']);
    expect(shelf.getItem(KEY)).toBe(position(13));
  });

  it('are those of events whose listeners have returned', async () => {
    const shelf = new Shelf();
    await load(() => shelf);
    await outcome({ result: 'live', position: position(10) });
    const kept: unknown[] = [];
    client.channel('a').on('message', () => kept.push(shelf.getItem(KEY)));
    await push(11, 12);
    expect(kept).toEqual([position(10), position(11)]);
  });

  it('are the position of the channel, also where nothing was missed', async () => {
    const shelf = new Shelf();
    shelf.setItem(KEY, position(3));
    await load(() => shelf);
    expect(client.channel('a').position).toBe(undefined);
    await outcome({ result: 'resumed', position: position(3) });
    expect(client.channel('a').position).toBe(position(3));
  });

  it('are told of where they are of no use', async () => {
    const shelf = new Shelf();
    shelf.setItem(KEY, position(3));
    const heard = await load(() => shelf);
    const events = entries(19, 20);
    await outcome({ result: 'reset', reason: 'trimmed', position: position(20), events });
    expect(heard).toEqual(['trimmed', 19, 20, 'reset']);
  });

  it('are not taken from what is not a position', async () => {
    for (const text of ['', 'x', '{}', `${position(3)} `, 'null']) {
      const shelf = new Shelf();
      shelf.setItem(KEY, text);
      await load(() => shelf);
      expect(asked()).toEqual([{ channel: 'a', rewind: 5 }]);
      client.close();
    }
  });

  it('are forgotten when the channel is left, and when the server ends it', async () => {
    const shelf = new Shelf();
    await load(() => shelf);
    await outcome({ result: 'live', position: position(10) });
    watch(client.channel('a').unsubscribe());
    expect([...shelf.all]).toEqual([]);
    await accept();
    watch(client.channel('a').subscribe());
    await outcome({ result: 'live', position: position(10) });
    expect([...shelf.all]).toEqual([[KEY, position(10)]]);
    current().receive({ type: 'unsubscribed', channel: 'a', code: 'ERR_REMOVED', reason: 'Out.' });
    expect([...shelf.all]).toEqual([]);
  });

  it('are kept when subscribe() had no answer', async () => {
    const shelf = new Shelf();
    shelf.setItem(KEY, position(3));
    await load(() => shelf);
    await pass(10_000);
    watch(client.channel('a').subscribe());
    await reconnect();
    expect(asked()).toEqual([{ channel: 'a', position: position(3) }]);
  });

  it('hold no query and no user of the URL', async () => {
    const shelf = new Shelf();
    await start({ url: 'ws://user:secret@127.0.0.1/dev?token=secret', storage: () => shelf });
    watch(client.channel('a').subscribe());
    await outcome({ result: 'live', position: position(10) });
    expect([...shelf.all.keys()]).toEqual([KEY]);
  });

  it.each([
    ['there is none', () => undefined as never],
    [
      'the browser forbids it',
      () => {
        throw new DOMException('Forbidden.', 'SecurityError');
      },
    ],
    [
      'it is full',
      () =>
        Object.assign(new Shelf(), {
          setItem() {
            throw new DOMException('Full.', 'QuotaExceededError');
          },
        }),
    ],
  ])('are done without where %s', async (_, storage) => {
    const heard = await load(storage);
    await outcome({ result: 'live', position: position(10), events: entries(9, 10) });
    await push(11);
    await reconnect();
    expect(asked()).toEqual([{ channel: 'a', position: position(11), rewind: 5 }]);
    await outcome({ result: 'resumed', position: position(12), events: entries(12) });
    expect(heard).toEqual([9, 10, 'live', 11, 12]);
  });
});
