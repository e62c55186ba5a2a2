import {
  answer,
  client,
  current,
  pass,
  receive,
  start,
  type WrittenFrame,
  watch,
} from './virtual-time.js';

export const EPOCH = 'epoch-1_____';

/** A position in the log of these tests. */
export function position(offset: number, epoch: string = EPOCH): string {
  return `${epoch}:${offset}:${offset === 0 ? '' : `tag${offset}`}`;
}

/** The event with that offset. Its data is the offset. */
export function entry(offset: number, fields: object = {}): object {
  const at = 1_000_000 - offset;
  return {
    event: 'message',
    data: offset,
    id: `e${offset}`,
    at,
    position: position(offset),
    ...fields,
  };
}

export function entries(...offsets: number[]): object[] {
  return offsets.map((offset) => entry(offset));
}

/** What the app got of channel `a`: the data of its events, and the reasons of resets. */
export let heard: unknown[];

/** Starts a client that listens to channel `a`. */
export async function startListening(options?: Parameters<typeof start>[0]): Promise<void> {
  await start(options);
  heard = [];
  client.channel('a').on('message', (data) => heard.push(data));
  client.channel('a').onReset(({ reason }) => heard.push(reason));
}

/** Subscribes to channel `a`, whose log has ten events. */
export async function live(fields: object = {}): Promise<void> {
  watch(client.channel('a').subscribe());
  await outcome({ result: 'live', position: position(10), ...fields });
}

/** The server pushes events, each in a frame of its own. */
export async function push(...offsets: number[]): Promise<void> {
  for (const offset of offsets) await receive({ type: 'event', channel: 'a', ...entry(offset) });
}

/** Answers the latest `subscribe` frame, which asks for one channel. */
export async function outcome(fields: object): Promise<void> {
  await pass(0);
  const channels = [{ channel: 'a', ...fields }];
  await answer({ channels }, current().of('subscribe').at(-1)?.id);
}

/** Answers the latest `history` frame. */
export async function page(fields: object): Promise<void> {
  await answer({ result: 'page', ...fields }, current().of('history').at(-1)?.id);
}

/** The channels of the latest `subscribe` frame. */
export function asked(): WrittenFrame['channels'] {
  return current().of('subscribe').at(-1)?.channels;
}
