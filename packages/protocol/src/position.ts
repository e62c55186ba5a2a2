/**
 * A place in the log of a channel: the entry that it names and everything before it have been read. On
 * the wire it is one text, `epoch:offset:tag`, which applications do not take apart.
 *
 * @group History
 */
export interface Position {
  /** Identifies the log that the offset belongs to: 12 characters of base64url. */
  readonly epoch: string;
  /** Number of the entry, counted from 1. 0 is the place before the first entry. */
  readonly offset: number;
  /** Part of the identity of the entry, so that another entry with the same offset is noticed. `''` for offset 0. */
  readonly tag: string;
}

/** The highest offset of a log: twelve digits. @group History */
export const MAX_OFFSET = 999_999_999_999;

const POSITION = /^[\w-]{12}:(0:|[1-9]\d{0,11}:[\w-]{1,18})$/;

/** Writes a position as it is on the wire. @group History */
export function formatPosition({ epoch, offset, tag }: Position): string {
  return `${epoch}:${offset}:${tag}`;
}

/** Reads a position from the wire; `undefined` if the value is not one. @group History */
export function parsePosition(value: unknown): Position | undefined {
  if (typeof value !== 'string' || !POSITION.test(value)) return undefined;
  const [epoch = '', offset, tag = ''] = value.split(':');
  return { epoch, offset: Number(offset), tag };
}
