import { answer, current, pass, receive, type WrittenFrame } from './virtual-time.js';

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
