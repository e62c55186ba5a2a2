import type {
  Appended,
  AppendRequest,
  LogEntry,
  LogPage,
  MessageLog,
  Position,
  ReadResult,
} from '@gatecast/framework';
import type { Redis } from 'ioredis';

/** The shortest retention, in milliseconds. */
export const RETENTION_MS = 600_000;
export const CHANNEL = { channel: 'rooms/1', retentionSeconds: RETENTION_MS / 1_000 };
/** Reads everything in one page. */
export const ALL = { ...CHANNEL, limit: 1_000, maxBytes: 1_000_000 };

/** A key of 16 characters. */
export const keyOf = (name: string | number): string => `${name}`.padStart(16, 'k');

/** Appends an entry whose payload is the name of its key. */
export async function append(
  log: MessageLog,
  name: string | number,
  over: Partial<AppendRequest> = {},
): Promise<Appended> {
  const text = { hash: `hash of ${name}`, payload: JSON.stringify({ data: name }) };
  const request = { ...CHANNEL, key: keyOf(name), ...text, onOtherHash: 'refuse' as const };
  const result = await log.append({ ...request, ...over });
  if (result.result !== 'appended') throw new Error(`Not appended: ${result.result}.`);
  return result;
}

/** Appends entries with the numbers from … to. Returns their positions. */
export async function appendMany(
  log: MessageLog,
  { from = 1, to }: { from?: number; to: number },
  over: Partial<AppendRequest> = {},
): Promise<Position[]> {
  const positions: Position[] = [];
  for (let number = from; number <= to; number += 1) {
    positions.push((await append(log, number, over)).entry.position);
  }
  return positions;
}

/** The page of a read that must have found one. */
export function pageOf(result: ReadResult): LogPage {
  if ('reset' in result) throw new Error(`Reset: ${result.reset}.`);
  return result;
}

/** Why a read did not find a page. */
export function resetOf(result: ReadResult): string {
  return 'reset' in result ? result.reset : `a page of ${result.entries.length}`;
}

/** The names of entries that {@link append} made. */
export function namesOf(entries: readonly Pick<LogEntry, 'payload'>[]): unknown[] {
  return entries.map(({ payload }) => (JSON.parse(payload) as { data: unknown }).data);
}

/** A copy of all keys of a store, that can be put in place of them. */
export async function copyOf(admin: Redis, keyPrefix: string): Promise<() => Promise<void>> {
  const names = await admin.keys(`${keyPrefix}*`);
  const dumps = await Promise.all(names.map((name) => admin.dumpBuffer(name)));
  return async () => {
    for (const name of await admin.keys(`${keyPrefix}*`)) await admin.del(name);
    for (const [index, name] of names.entries()) {
      await admin.restore(name, 1_000_000_000, dumps[index] as Buffer);
    }
  };
}
