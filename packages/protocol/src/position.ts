/** A place in a channel's log. On the wire it is one opaque string. */
export interface Position {
  /** Identifies one incarnation of the log. Offsets of different epochs cannot be compared. */
  readonly epoch: string;
  /** Number of the entry, counted from 1; 0 is the place before the first. */
  readonly offset: number;
  /** Short hash of the entry at that offset. It reveals that the end of the log was lost and replaced. */
  readonly tag: string;
}

const POSITION = /^([A-Za-z0-9_-]{1,32}):(0|[1-9][0-9]{0,15}):([A-Za-z0-9_-]{0,32})$/;

/** Writes a position as `<epoch>:<offset>:<tag>`. */
export function encodePosition(position: Position): string {
  return `${position.epoch}:${position.offset}:${position.tag}`;
}

/** Reads a position; `undefined` for any other text. */
export function decodePosition(text: string): Position | undefined {
  const match = POSITION.exec(text);
  if (!match) return undefined;
  const offset = Number(match[2]);
  if (!Number.isSafeInteger(offset)) return undefined;
  return { epoch: match[1] as string, offset, tag: match[3] as string };
}
