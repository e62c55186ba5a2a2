import { MAX_CHANNEL_NAME_BYTES, MAX_CHANNELS_PER_FRAME } from '@gatecast/protocol';
import { ClientError } from '../errors/client-error.js';
import type { RawFrame } from '../wire/frame.js';
import type { AppInvocation } from './app-invocation.js';

/** Characters of each error's message, if a frame has no room for the whole errors of all its channels. */
export const LIST_MESSAGE = 100;

/** Reads the list of channels of a subscribe or unsubscribe frame. */
export function readChannels({ channels }: RawFrame): readonly unknown[] {
  if (!Array.isArray(channels) || channels.length === 0) {
    throw new ClientError('ERR_FRAME_INVALID', '"channels" must be a list of channels.');
  }
  checkCount(channels.length);
  return channels;
}

/** Throws if a frame names too many channels. @throws ClientError - ERR_CHANNEL_LIMIT. */
export function checkCount(count: number): void {
  if (count <= MAX_CHANNELS_PER_FRAME) return;
  throw new ClientError(
    'ERR_CHANNEL_LIMIT',
    `A frame may name at most ${MAX_CHANNELS_PER_FRAME} channels; this one names ${count}.`,
  );
}

/**
 * A channel's name for its outcome. A name that is longer than any legal one is shortened, so that fifty
 * of them fit into one reply.
 */
export function echoOf(name: unknown): string {
  if (typeof name !== 'string') return '';
  if (Buffer.byteLength(JSON.stringify(name)) <= MAX_CHANNEL_NAME_BYTES + 2) return name;
  return `${name.slice(0, MAX_CHANNEL_NAME_BYTES - 2).replace(/[^ !#-[\]-~]/g, '?')}…`;
}

/** Reports the errors of the channels in one frame: once for each kind of error, with a count. */
export function reportEach(
  invocation: AppInvocation,
  errors: readonly unknown[],
  isAnswered: boolean,
): void {
  const byKind = new Map<unknown, unknown[]>();
  for (const error of errors) {
    const kind = kindOf(error);
    byKind.set(kind, [...(byKind.get(kind) ?? []), error]);
  }
  for (const [first, ...others] of byKind.values()) {
    invocation.report(first, { isAnswered, count: 1 + others.length });
  }
}

/** The code of a refusal; for other errors the name, the code and the line that threw it. */
function kindOf(error: unknown): unknown {
  if (ClientError.is(error)) return error.code;
  if (!(error instanceof Error)) return typeof error;
  const { name, message, stack = '', code } = error as Error & { readonly code?: unknown };
  const [place = message] = /\n\s+at .*/.exec(stack) ?? [];
  return [name, String(code), place].join(' ');
}
