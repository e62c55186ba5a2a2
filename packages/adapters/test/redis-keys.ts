import { sliceKey } from '@gatecast/framework/adapter';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';

interface Keys {
  readonly keyPrefix: string;
  keys(admin: Redis): Promise<string[]>;
}

/** Looks at every key: rows of just these connections, and memberships that both sides know. */
export async function expectConsistent(
  store: Keys,
  admin: Redis,
  ids: readonly string[],
): Promise<void> {
  const { rows, inRows, inChannels } = await readMemberships(store, admin);
  expect(rows).toEqual(ids);
  expect(inChannels).toEqual(inRows);
}

/** Every member of a channel as its connection knows it, which may know more. */
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
    const { facts, count, bytes, ...row } = await admin.hgetall(key);
    if (facts !== undefined) rows.push(id);
    const channels: string[] = [];
    for (const [field, value] of Object.entries(row)) {
      const start = `${field.slice(1)} ${sliceKey(id)}`;
      if (field.startsWith('+')) {
        channels.push(field.slice(1));
        inRows.push(`${start} ${value} ${facts}`);
      } else if (field.startsWith('-')) {
        for (const token of value.split(' ')) removing.push(`${start} ${token.split('/')[0]} `);
      }
    }
    if (facts === undefined) continue;
    expect([count, bytes]).toEqual([`${channels.length}`, `${channels.join('').length}`]);
  }
  return { rows, inRows: inRows.sort(), removing, inChannels: inChannels.sort() };
}
