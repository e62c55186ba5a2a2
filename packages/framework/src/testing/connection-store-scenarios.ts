import type { ChannelLimits, ConnectionRecord } from '../store/connections.js';
import type { CallAction } from './connection-store-model.js';
import { WIDE } from './contract-fixtures.js';

/** The connection and the channels of a scenario. */
export interface Subject {
  /** Two different records of one connection. */
  readonly connection: ConnectionRecord;
  readonly again: ConnectionRecord;
  /** Channels, whose names are 50 bytes long. */
  readonly a: string;
  readonly b: string;
  readonly c: string;
}

/** Calls for one connection that run at the same time. */
export interface Scenario {
  /** Describes the calls, as the beginning of a sentence. */
  readonly name: string;
  /** Calls that are made before, one after the other. */
  readonly before: (subject: Subject) => readonly CallAction[];
  readonly calls: (subject: Subject) => readonly CallAction[];
}

const disconnect: CallAction = { do: 'disconnect' };
const prune: CallAction = { do: 'prune' };
const connect = (record: ConnectionRecord, ...channels: string[]): CallAction => ({
  do: 'connect',
  record,
  channels,
});
const subscribe = (channels: string[], limits: ChannelLimits = WIDE): CallAction => ({
  do: 'subscribe',
  channels,
  limits,
});
const unsubscribe = (...channels: string[]): CallAction => ({ do: 'unsubscribe', channels });

const nothing = (): readonly CallAction[] => [];
const inA = ({ connection, a }: Subject): readonly CallAction[] => [connect(connection, a)];
const expired = ({ connection, a, b }: Subject): readonly CallAction[] => [
  connect(connection, a, b),
  { do: 'expire', record: connection },
];
const pruned = ({ connection, a }: Subject): readonly CallAction[] => [
  connect(connection, a),
  prune,
];
const two = { maxChannels: 2, maxBytes: 9_999 } as const;
const hundredBytes = { maxChannels: 9, maxBytes: 100 } as const;

/** Every pair of calls that may affect each other, and groups of three that have revealed faults. */
export const scenarios: readonly Scenario[] = [
  {
    name: 'a first connect and a subscribe',
    before: nothing,
    calls: ({ connection, a, b }) => [connect(connection, a), subscribe([a, b])],
  },
  {
    name: 'a first connect and its repeat',
    before: nothing,
    calls: ({ connection, a }) => [connect(connection, a), connect(connection, a)],
  },
  {
    name: 'a first connect and a disconnect',
    before: nothing,
    calls: ({ connection, a }) => [connect(connection, a), disconnect],
  },
  {
    name: 'two connects with different records',
    before: inA,
    calls: ({ connection, again, a, b }) => [connect(again, b), connect(connection, a, b)],
  },
  {
    name: 'a connect with another record and a subscribe',
    before: inA,
    calls: ({ again, b }) => [connect(again), subscribe([b])],
  },
  {
    name: 'a connect with another record and an unsubscribe',
    before: inA,
    calls: ({ again, a }) => [connect(again), unsubscribe(a)],
  },
  {
    name: 'a connect with channels and an unsubscribe',
    before: inA,
    calls: ({ connection, a, b }) => [connect(connection, a, b), unsubscribe(a, b)],
  },
  {
    name: 'a connect and a disconnect',
    before: inA,
    calls: ({ again, b }) => [connect(again, b), disconnect],
  },
  {
    name: 'a connect and a prune',
    before: inA,
    calls: ({ again, b }) => [connect(again, b), prune],
  },
  {
    name: 'two connects after the row has expired',
    before: expired,
    calls: ({ connection, again, b, c }) => [connect(connection, b), connect(again, c)],
  },
  {
    name: 'a connect after the row has expired and a prune',
    before: expired,
    calls: ({ again, b }) => [connect(again, b), prune],
  },
  {
    name: 'a subscribe and its repeat',
    before: inA,
    calls: ({ a, b }) => [subscribe([a, b]), subscribe([a, b])],
  },
  {
    name: 'two subscribes that reach the number of channels',
    before: inA,
    calls: ({ b, c }) => [subscribe([b], two), subscribe([c], two)],
  },
  {
    name: 'two subscribes that reach the bytes of channels',
    before: inA,
    calls: ({ b, c }) => [subscribe([b, c], hundredBytes), subscribe([c, b], hundredBytes)],
  },
  {
    name: 'a subscribe and an unsubscribe',
    before: inA,
    calls: ({ a, b }) => [subscribe([a, b]), unsubscribe(a, b)],
  },
  {
    name: 'a subscribe at the limit and an unsubscribe',
    before: ({ connection, a, b }) => [connect(connection, a, b)],
    calls: ({ a, b, c }) => [subscribe([c, a], two), unsubscribe(a, b)],
  },
  {
    name: 'a subscribe and a disconnect',
    before: inA,
    calls: ({ a, b }) => [subscribe([b, a]), disconnect],
  },
  {
    name: 'a subscribe and a prune',
    before: inA,
    calls: ({ b, c }) => [subscribe([b, c]), prune],
  },
  {
    name: 'an unsubscribe and its repeat',
    before: inA,
    calls: ({ a, b }) => [unsubscribe(a, b), unsubscribe(b, a)],
  },
  {
    name: 'an unsubscribe and a disconnect',
    before: ({ connection, a, b }) => [connect(connection, a, b)],
    calls: ({ a }) => [unsubscribe(a), disconnect],
  },
  {
    name: 'a disconnect and its repeat',
    before: ({ connection, a, b }) => [connect(connection, a, b)],
    calls: () => [disconnect, disconnect],
  },
  {
    name: 'a disconnect and a prune',
    before: inA,
    calls: () => [disconnect, prune],
  },
  {
    name: 'two disconnects after a prune',
    before: pruned,
    calls: () => [disconnect, disconnect],
  },
  {
    name: 'a connect and a disconnect after a prune',
    before: pruned,
    calls: ({ again, b }) => [connect(again, b), disconnect],
  },
  {
    name: 'a subscribe, an unsubscribe and a disconnect',
    before: inA,
    calls: ({ b }) => [subscribe([b]), unsubscribe(b), disconnect],
  },
  {
    name: 'a subscribe, a disconnect and a connect',
    before: inA,
    calls: ({ again, b, c }) => [subscribe([b]), disconnect, connect(again, c)],
  },
  {
    name: 'two disconnects and a connect',
    before: inA,
    calls: ({ again, a }) => [disconnect, disconnect, connect(again, a)],
  },
  {
    name: 'two subscribes and an unsubscribe at the limit',
    before: inA,
    calls: ({ a, b, c }) => [subscribe([b], two), subscribe([c], two), unsubscribe(a)],
  },
];
