// What a call writes, without DynamoDB: which channels it adds, and the expressions for it.
import type { ConnectionRecord } from '@gatecast/framework';
import { sliceKey } from '@gatecast/framework/adapter';
import { describe, expect, it } from 'vitest';
import { planChannels } from '../src/dynamodb/channel-plan.js';
import { addUpdate, bytesOf, removeUpdate } from '../src/dynamodb/channel-update.js';
import {
  assign,
  haveSameMembership,
  isUpToDate,
  membershipOf,
  toAttributes,
  toConnectionRow,
  toSubscriber,
  withRecord,
} from '../src/dynamodb/items.js';
import { Keys } from '../src/dynamodb/keys.js';

describe('the channels that a call adds', () => {
  const plan = (current: string[], wanted: string[], maxChannels: number, maxBytes: number) => {
    const { added, results } = planChannels(new Set(current), wanted, { maxChannels, maxBytes });
    return [added, [...results]];
  };

  it('are the first new ones that fit', () => {
    expect(plan(['a'], ['a', 'b', 'c', 'd'], 3, 100)).toEqual([
      ['b', 'c'],
      [
        ['a', 'present'],
        ['b', 'subscribed'],
        ['c', 'subscribed'],
        ['d', 'full'],
      ],
    ]);
    expect(plan(['é'], ['aa', 'bb', 'c'], 9, 5)).toEqual([
      ['aa', 'c'],
      [
        ['aa', 'subscribed'],
        ['bb', 'full'],
        ['c', 'subscribed'],
      ],
    ]);
    expect(plan([], ['a'], 0, 100)).toEqual([[], [['a', 'full']]]);
  });
});

describe('an update of the channels', () => {
  const names = { '#channels': 'channels', '#bytes': 'bytes' };

  it('adds those that the row lacks, if there is room', () => {
    const change = { channels: ['a', 'éé'], seen: new Set(['x']) };
    const values = {
      ':change': { SS: ['a', 'éé'] },
      ':bytes': { N: '5' },
      ':c0': { S: 'a' },
      ':c1': { S: 'éé' },
    };
    const condition = 'NOT (contains(#channels, :c0) OR contains(#channels, :c1))';
    const action = 'ADD #channels :change, #bytes :bytes';
    expect(addUpdate(change)).toEqual({ action, condition, names, values });
    expect(addUpdate(change, { maxChannels: 10, maxBytes: 100 })).toEqual({
      action,
      condition:
        `${condition} AND (attribute_not_exists(#channels) OR size(#channels) <= :room)` +
        ' AND (attribute_not_exists(#bytes) OR #bytes <= :bytesRoom)',
      names,
      values: { ...values, ':room': { N: '8' }, ':bytesRoom': { N: '95' } },
    });
  });

  it('removes those that the row has', () => {
    expect(removeUpdate({ channels: ['a', 'bc'], seen: new Set(['a', 'bc']) })).toEqual({
      action: 'DELETE #channels :change ADD #bytes :bytes',
      condition: 'contains(#channels, :c0) AND contains(#channels, :c1)',
      names,
      values: {
        ':change': { SS: ['a', 'bc'] },
        ':bytes': { N: '-3' },
        ':c0': { S: 'a' },
        ':c1': { S: 'bc' },
      },
    });
  });

  it('looks up to 100 names up, and compares the whole set beyond', () => {
    const many = (count: number) => Array.from({ length: count }, (_, n) => `c${n}`);
    const of = (count: number, ...seen: string[]) => ({
      channels: many(count),
      seen: new Set(seen),
    });
    expect(addUpdate(of(100, 'x')).condition).toMatch(/^NOT \(.*contains\(#channels, :c99\)\)$/);
    for (const update of [addUpdate, removeUpdate]) {
      const some = update(of(101, 'x', 'y'));
      expect(some.condition).toBe('#channels = :seen');
      expect(some.values).toEqual({
        ':change': { SS: many(101) },
        ':bytes': expect.anything() as unknown,
        ':seen': { SS: ['x', 'y'] },
      });
      expect(update(of(101, 'x')).condition).toBe('#channels = :seen');
      expect(update(of(101, 'x')).values).toMatchObject({ ':seen': { SS: ['x'] } });
      const first = update(of(101));
      expect(first.condition).toBe('attribute_not_exists(#channels)');
      expect(Object.keys(first.values)).toEqual([':change', ':bytes']);
    }
  });

  it('counts bytes, not characters', () => {
    expect(bytesOf([])).toBe(0);
    expect(bytesOf(['a', 'é', '😀'])).toBe(7);
  });
});

describe('keys', () => {
  it('begin with the prefix', () => {
    const keys = new Keys('blue/');
    expect(keys.connection('c1')).toEqual({ pk: { S: 'blue/C#c1' }, sk: { S: 'META' } });
    expect(keys.channel('rooms/1')).toBe('blue/S#rooms/1#0');
    const [pk, sk] = [{ S: 'blue/S#rooms/1#0' }, { S: sliceKey('c1') }];
    expect(keys.membership('c1', 'rooms/1')).toEqual({ pk, sk });
  });
});

const record: ConnectionRecord = {
  connectionId: 'c1',
  apiId: 'abcde12345',
  stage: 'dev',
  region: 'us-east-1',
  connectedAt: 5,
  expiresAt: 1_001,
  userId: 'ann',
  identity: '{}',
};
const { connectionId: _connectionId, identity: _identity, ...membership } = record;

describe('a row', () => {
  it('is read without attributes that are reserved or that JSON cannot express', () => {
    const own = Object.fromEntries(
      ['pk', 'sk', 'closing', 'pruned', 'changedBy', '_later'].map((name) => [name, { S: name }]),
    );
    const item = {
      ...toAttributes(record),
      ...own,
      ttl: { N: '2' },
      bytes: { N: '3' },
      channels: { SS: ['a', 'b'] },
      others: { NS: ['1'] },
      later_: { S: 'kept' },
    };
    expect(toConnectionRow(item)).toStrictEqual({
      record: { ...record, later_: 'kept' },
      channels: new Set(['a', 'b']),
      closing: 'closing',
      pruned: 'pruned',
      changedBy: 'changedBy',
    });
    expect(toConnectionRow(toAttributes(record))).toStrictEqual({ record, channels: new Set() });
  });

  it('keeps what it does not know, and drops what a new record does not have', () => {
    const { userId: _, identity: __, ...guest } = record;
    const later = { ...record, later: 1 } as ConnectionRecord;
    const row = { record: later, channels: new Set(['a']), closing: 'x' };
    expect(withRecord(row, { ...guest, identityExpiresAt: 9 }, ['b', 'a'])).toStrictEqual({
      record: { ...guest, identityExpiresAt: 9, later: 1 },
      channels: new Set(['a', 'b']),
    });
    const absent = { ...guest, userId: undefined } as unknown as ConnectionRecord;
    expect(withRecord(row, absent, []).record).toStrictEqual({ ...guest, later: 1 });
  });
});

describe('a membership', () => {
  const row = { record, channels: new Set(['a']) };

  it('has what delivery needs of the record, and not the identity', () => {
    expect(membershipOf(row, 'a')).toStrictEqual(membership);
    expect(membershipOf(row, 'b')).toBeUndefined();
    expect(membershipOf(undefined, 'a')).toBeUndefined();
  });

  it('differs between two states of the connection only if its own values do', () => {
    const other = (over: Partial<ConnectionRecord>) => ({ ...row, record: { ...record, ...over } });
    expect(haveSameMembership(row, other({ identity: 'other' }), 'a')).toBe(true);
    expect(haveSameMembership(row, other({ connectedAt: 6 }), 'a')).toBe(false);
    expect(haveSameMembership(row, undefined, 'a')).toBe(false);
    expect(haveSameMembership(row, undefined, 'b')).toBe(true);
  });

  it('is up to date if it has the values of the record, and possibly more', () => {
    const item = { ...toAttributes(membership), later: { S: 'x' } };
    const { userId: _, ...guest } = membership;
    expect(isUpToDate(item, membership)).toBe(true);
    expect(isUpToDate(item, { ...membership, connectedAt: 6 })).toBe(false);
    expect(isUpToDate(item, { ...membership, identityExpiresAt: 6 })).toBe(false);
    expect(isUpToDate(item, guest)).toBe(false);
    expect(isUpToDate(item, undefined)).toBe(false);
    expect(isUpToDate(undefined, membership)).toBe(false);
    expect(isUpToDate(undefined, undefined)).toBe(true);
  });

  it('is read as a subscriber', () => {
    const { expiresAt: _, ...subscriber } = membership;
    const item = { ...new Keys('').membership('c1', 'a'), ...toAttributes(membership) };
    expect(toSubscriber(item)).toStrictEqual({ connectionId: 'c1', ...subscriber });
  });
});

describe('an assignment', () => {
  it('sets what is given, with the time to live in whole seconds', () => {
    expect(toAttributes(membership)['ttl']).toEqual({ N: '2' });
    const { UpdateExpression, ExpressionAttributeNames: names, ...rest } = assign(record);
    const given = Object.keys(toAttributes(record));
    const set = given.map((_, index) => `#f${index} = :f${index}`).join(', ');
    expect(UpdateExpression).toBe(`SET ${set} REMOVE #f${given.length}`);
    expect(Object.values(names)).toEqual([...given, 'identityExpiresAt']);
    expect(Object.keys(names).at(-1)).toBe(`#f${given.length}`);
    expect(Object.values(rest.ExpressionAttributeValues)).toEqual(
      Object.values(toAttributes(record)),
    );
  });

  it('removes every optional field that is not given', () => {
    const { userId: _, ...guest } = membership;
    const { UpdateExpression, ExpressionAttributeNames: names } = assign(guest);
    const [, removed = ''] = UpdateExpression.split(' REMOVE ');
    expect(removed.split(', ').map((alias) => names[alias])).toEqual([
      'userId',
      'identityExpiresAt',
      'identity',
    ]);
  });

  it('removes nothing if every optional field is given', () => {
    const { UpdateExpression } = assign({ ...record, identityExpiresAt: 1 });
    expect(UpdateExpression).toMatch(/^SET #f0 = :f0, .*:f\d+$/);
  });
});
