import { sliceKey } from '@gatecast/framework/adapter';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';

interface Keys {
  readonly keyPrefix: string;
  keys(admin: Redis): Promise<string[]>;
}

/**
 * Asserts that there are rows of exactly these connections, and that rows and channels agree on
 * memberships.
 */
export async function expectConsistent(
  store: Keys,
  admin: Redis,
  ids: readonly string[],
): Promise<void> {
  const { rows, inRows, inChannels } = await readMemberships(store, admin);
  expect(rows).toEqual(ids);
  expect(inChannels).toEqual(inRows);
}

/** Asserts that every member of a channel is listed in its connection's row, which may list more. */
export async function expectNoOrphans(store: Keys, admin: Redis): Promise<void> {
  const { inRows, removing, inChannels } = await readMemberships(store, admin);
  const orphans = inChannels.filter(
    (member) => !inRows.includes(member) && !removing.some((start) => member.startsWith(start)),
  );
  expect(orphans).toEqual([]);
}

async function readMemberships(store: Keys, admin: Redis) {
  const rows: string[] = [];
  const inRows: string[] = [];
  const removing: string[] = [];
  const inChannels: string[] = [];
  for (const name of await store.keys(admin)) {
    const [, id = ''] = /\{(.*)\}/.exec(name) ?? [];
    const key = store.keyPrefix + name;
    if (name.startsWith('s:')) {
      for (const member of await admin.zrange(key, '0', '-1')) inChannels.push(`${id} ${member}`);
      continue;
    }
    const { details, count, bytes, ...row } = await admin.hgetall(key);
    if (details !== undefined) rows.push(id);
    const channels: string[] = [];
    for (const [field, value] of Object.entries(row)) {
      const start = `${field.slice(1)} ${sliceKey(id)}`;
      if (field.startsWith('+')) {
        channels.push(field.slice(1));
        inRows.push(`${start} ${value} ${details}`);
      } else if (field.startsWith('-')) {
        for (const token of value.split(' ')) removing.push(`${start} ${token.split('/')[0]} `);
      }
    }
    if (details === undefined) continue;
    expect([count, bytes]).toEqual([`${channels.length}`, `${channels.join('').length}`]);
  }
  return { rows, inRows: inRows.sort(), removing, inChannels: inChannels.sort() };
}
