/** Longest channel name, in bytes (all its characters are ASCII). @group Limits */
export const MAX_CHANNEL_NAME_BYTES = 200;

type ParamName<P extends string> = P extends `${infer Head}/${infer Tail}`
  ? ParamName<Head> | ParamName<Tail>
  : P extends `:${infer Name}`
    ? Name
    : never;

/**
 * The parameters of a pattern: `Params<'rooms/:roomId'>` is `{ readonly roomId: string }`.
 *
 * @group Channels
 */
export type Params<P extends string> = string extends P
  ? Readonly<Record<string, string>>
  : { readonly [K in ParamName<P>]: string };

/**
 * The names that match a pattern: `ChannelName<'rooms/:roomId'>` is `` `rooms/${string}` ``.
 *
 * @group Channels
 */
export type ChannelName<P extends string> = P extends `${infer Head}/${infer Tail}`
  ? `${ChannelName<Head>}/${ChannelName<Tail>}`
  : P extends `:${string}`
    ? string
    : P;

type SegmentFit<N extends string, P extends string> = P extends `:${string}`
  ? '1'
  : N extends P
    ? '0'
    : never;
/** How a name fits a pattern: a digit a segment, 0 for a literal, 1 for a parameter; `never` if it does not. */
export type Fit<N extends string, P extends string> = P extends `${infer PHead}/${infer PTail}`
  ? N extends `${infer NHead}/${infer NTail}`
    ? `${SegmentFit<NHead, PHead>}${Fit<NTail, PTail>}`
    : never
  : N extends `${string}/${string}`
    ? never
    : SegmentFit<N, P>;

/**
 * Thrown by {@link channelName} for a parameter that cannot be part of a channel name.
 *
 * @group Errors
 */
export class ChannelNameError extends Error {
  override readonly name = 'ChannelNameError';
}

// A fast check for names without percent-encoding, which most names are.
const PLAIN_NAME = /^[A-Za-z0-9_.~:@=-]+(?:\/[A-Za-z0-9_.~:@=-]+)*$/;
const SEGMENT = /^(?:[A-Za-z0-9_.~:@=-]|%[0-9A-F]{2})+$/;

/**
 * Says what is wrong with a channel name; `undefined` if it is legal.
 *
 * A name is segments joined by `/`. A segment is one or more of `A-Z a-z 0-9 _ . ~ : @ = -`; other
 * characters must be percent-encoded, and only those may be, so that each channel has exactly one name.
 *
 * @returns The end of a sentence that begins with the name: `is longer than 200 bytes`.
 * @group Channels
 */
export function channelNameProblem(name: string): string | undefined {
  if (name.length <= MAX_CHANNEL_NAME_BYTES && PLAIN_NAME.test(name)) return undefined;
  if (name.length > MAX_CHANNEL_NAME_BYTES) {
    return `is longer than ${MAX_CHANNEL_NAME_BYTES} bytes`;
  }
  for (const segment of name.split('/')) {
    if (segment === '') return 'has an empty segment';
    if (!SEGMENT.test(segment)) return 'has a character that must be percent-encoded';
    if (segment.includes('%') && encodeSegment(decodeSegment(segment)) !== segment) {
      return 'is percent-encoded where it need not be, or not as UTF-8';
    }
  }
  return undefined;
}

/**
 * Decodes one segment of a legal channel name. Returns `''` for a segment that is not UTF-8.
 *
 * @group Channels
 */
export function decodeSegment(segment: string): string {
  if (!segment.includes('%')) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    return '';
  }
}

function encodeSegment(value: string): string {
  return encodeURIComponent(value)
    .replace(/[!'()*]/g, (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`)
    .replace(/%3A|%40|%3D/g, decodeURIComponent);
}

/**
 * Builds a channel's name from its pattern. Each parameter is percent-encoded where necessary and always
 * stays one segment; `ctx.params` has the original value. Use this function for every name that contains
 * outside input: in a name joined by hand, the user `bob/alerts` would reach another channel.
 *
 * @example
 * ```ts
 * channelName('rooms/:roomId', { roomId: 'a b' }); // 'rooms/a%20b'
 * ```
 *
 * @throws ChannelNameError - if a parameter is missing, empty or contains half of a surrogate pair, and
 * if the name is longer than 200 bytes.
 * @group Channels
 */
export function channelName<P extends string>(
  pattern: P,
  params: Params<NoInfer<P>>,
): ChannelName<P> {
  const values = params as Readonly<Record<string, string | undefined>>;
  const segments = pattern.split('/').map((segment) => {
    if (!segment.startsWith(':')) return segment;
    const value = values[segment.slice(1)];
    if (typeof value !== 'string' || value === '') {
      throw new ChannelNameError(
        `The parameter "${segment.slice(1)}" of the channel pattern "${pattern}" must be a string that is not empty.`,
      );
    }
    try {
      return encodeSegment(value);
    } catch {
      throw new ChannelNameError(
        `The parameter "${segment.slice(1)}" of the channel pattern "${pattern}" contains half of a surrogate pair.`,
      );
    }
  });
  const name = segments.join('/');
  // What is encoded is legal, and a pattern is checked where it is written: a page need not load the rules.
  if (name.length > MAX_CHANNEL_NAME_BYTES) {
    throw new ChannelNameError(
      `The channel name "${name.slice(0, 80)}…" is longer than ${MAX_CHANNEL_NAME_BYTES} bytes.`,
    );
  }
  return name as ChannelName<P>;
}
