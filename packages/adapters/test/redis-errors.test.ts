// What the store makes of each error of Redis, of its client and of the network, and how it reads members.
import { sliceKey } from '@gatecast/framework/adapter';
import { describe, expect, it } from 'vitest';
import { detailsOf, expiryOf, readMember, tokensOf, wasBegunBy } from '../src/redis/membership.js';
import {
  connectionError,
  describe as describeError,
  isStale,
  LostConnectionError,
  RedisSetupError,
  TimeOverError,
  toStoreError,
} from '../src/redis/redis-failure.js';

const coded = (code: string, more: object = {}) =>
  Object.assign(new Error('It went wrong.'), { code, ...more });

/** Replies of Redis that will be the same again, the reason in the store's error, and its advice. */
const lasting = [
  ["OOM command not allowed when used memory > 'maxmemory'.", 'is full (OOM', 'more memory'],
  ['WRONGPASS invalid username-password pair', 'password (WRONGPASS)', 'Set both in the URL'],
  ['NOAUTH Authentication required.', 'asks for a password (NOAUTH)', 'Set it in the URL'],
  ['NOPERM this user has no permissions', 'may not do this (NOPERM)', 'Allow it +@hash'],
  ['ERR The user executing the script cannot do it', 'may not do this (NOPERM)', 'Allow it +@hash'],
  ['MOVED 3999 127.0.0.1:6381', 'a node of a cluster (MOVED)', 'redisStore({ cluster })'],
  ['ERR This instance has cluster support disabled', 'not a node of a cluster', '{ url }'],
  ['ERR DB index is out of range', 'no database of this number', 'End the URL with'],
  ["ERR unknown command 'EVALSHA'", 'does not know a command', 'Use Redis 6.2 or later'],
  ['WRONGTYPE Operation against a key', 'wrong type (WRONGTYPE)', 'Give the store a keyPrefix'],
  ['MISCONF Errors writing to the AOF file', 'refuses writes (MISCONF)', 'Check the disk'],
  ['ERR Error running script: @user_script:1: WRONGTYPE Operation', 'wrong type', 'keyPrefix'],
] as const;

/** Replies of Redis after which the same call may succeed, and the reason in the store's error. */
const passing = [
  ['Too many Cluster redirections. Last error: MOVED', 'No node of the cluster served the key.'],
  ['Too many Cluster redirections. Last error: CLUSTERDOWN', 'for some of its slots (CLUSTERDOWN)'],
  ['CLUSTERDOWN Hash slot not served', 'for some of its slots (CLUSTERDOWN).'],
  ["READONLY You can't write against a read only replica.", 'point the store at the primary'],
  ['LOADING Redis is loading the dataset in memory', 'still loading its data (LOADING).'],
  ['MASTERDOWN Link with MASTER is down', 'has lost its primary (MASTERDOWN).'],
  ['NOREPLICAS Not enough good replicas', 'too few replicas for a write (NOREPLICAS).'],
  ['TRYAGAIN Multiple keys request', 'is moving the slot (TRYAGAIN).'],
  ['BUSY Redis is busy running a script', 'busy with a script (BUSY).'],
  ['Something else', 'could not read it: Something else.'],
  ['Something else!', 'could not read it: Something else!'],
  ['BUSYGROUP is another word', 'BUSYGROUP is another word.'],
] as const;

describe("the store's error", () => {
  it.each(lasting)('has advice after %s', (reply, reason, advice) => {
    const made = toStoreError('read it', new Error(reply));
    expect(made).toMatchObject({ code: 'ERR_STORE_REFUSED', retryable: false });
    expect(made.message).toContain('The store "redis" refused to read it: ');
    expect(made.message).toContain(reason);
    expect(made.hint).toContain(advice);
  });

  it.each(passing)('is retryable after %s', (reply, reason) => {
    const made = toStoreError('read it', new Error(reply));
    expect(made).toMatchObject({ code: 'ERR_STORE_UNAVAILABLE', retryable: true });
    expect(made.message).toContain(reason);
  });

  it('has the advice of a mistake in the set-up', () => {
    const made = toStoreError('read it', new RedisSetupError('No address.', 'Set one.'));
    expect(made).toMatchObject({ code: 'ERR_STORE_REFUSED', hint: 'Set one.' });
    expect(made.message).toBe('The store "redis" refused to read it: No address.');
  });

  it('has the name and the stack of its cause, without the command and other fields', () => {
    const text = "ERR unknown command 'X', with args beginning with: 'secret'";
    const error = Object.assign(new TypeError(text), { command: { args: ['secret'] } });
    const { cause, message } = toStoreError('read it', error);
    expect(cause).toMatchObject({ name: 'TypeError', message: "ERR unknown command 'X'" });
    expect((cause as Error).stack).toMatch(
      /^TypeError: ERR unknown command 'X'\n\s+at .*redis-errors/,
    );
    expect(`${(cause as Error).stack} ${message}`).not.toContain('secret');
    expect(Object.keys(cause as Error)).not.toContain('command');
    for (const thrown of ['text', null, undefined]) {
      const expected = { name: 'Error', message: String(thrown) };
      expect(toStoreError('read it', thrown).cause).toMatchObject(expected);
    }
    for (const [own, name] of [
      [new TimeOverError(), 'TimeOverError'],
      [new LostConnectionError('No.'), 'LostConnectionError'],
      [new RedisSetupError('No.', 'Do.'), 'RedisSetupError'],
    ] as const) {
      expect(toStoreError('read it', own).cause).toMatchObject({ name });
    }
    const bare = Object.assign(new Error('No.'), { stack: undefined });
    expect(toStoreError('read it', bare).cause).toMatchObject({ message: 'No.' });
  });
});

describe('the text of an error', () => {
  it('is that of the first of several, or of OpenSSL', () => {
    expect(describeError(new AggregateError([new Error('first'), new Error('second')]))).toBe(
      'first',
    );
    expect(describeError(new AggregateError([new Error('first')], 'all'))).toBe('all');
    expect(describeError(7)).toBe('7');
    expect(describeError(undefined)).toBe('undefined');
    expect(describeError(coded('ERR_SSL_X', { reason: 'wrong version' }))).toBe('wrong version');
    expect(describeError(coded('ERR_SSL_X'))).toBe('It went wrong.');
    expect(describeError(coded('ERR_OTHER', { reason: 'other' }))).toBe('It went wrong.');
    expect(describeError(Object.assign(new Error('No.'), { code: 7, reason: 'x' }))).toBe('No.');
    expect(describeError(new TimeOverError())).toBe('it ran out of time');
  });
});

describe('a connection that broke', () => {
  const errorOf = (cause: unknown, isTls = false, wasAnswered = false) =>
    connectionError({ where: 'host:6379', isTls, wasAnswered, cause });
  const untrusted = 'Set NODE_EXTRA_CA_CERTS';
  const plain = 'Use a URL that begins with redis://, or the port';

  it.each([
    ['SELF_SIGNED_CERT_IN_CHAIN', untrusted],
    ['DEPTH_ZERO_SELF_SIGNED_CERT', untrusted],
    ['UNABLE_TO_VERIFY_LEAF_SIGNATURE', untrusted],
    ['UNABLE_TO_GET_ISSUER_CERT_LOCALLY', untrusted],
    ['ERR_TLS_CERT_ALTNAME_INVALID', 'Use a host name in the URL that the certificate covers.'],
    ['CERT_HAS_EXPIRED', 'Renew the certificate of the server.'],
    ['ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED', 'Pass redisStore({ client }) with tls.cert'],
    ['ERR_SSL_WRONG_VERSION_NUMBER', plain],
    ['ERR_SSL_PACKET_LENGTH_TOO_LONG', plain],
  ])('because of %s is a mistake in the set-up', (code, advice) => {
    const cause = coded(code);
    const error = errorOf(cause, true);
    expect(error).toBeInstanceOf(RedisSetupError);
    expect(error).toMatchObject({ message: 'TLS with host:6379 failed: It went wrong.', cause });
    expect((error as RedisSetupError).advice.startsWith(advice)).toBe(true);
  });

  it.each([
    'read ECONNRESET',
    'write EPIPE',
    'Connection is closed.',
    'Client network socket disconnected before secure TLS connection was established',
    'no answer within 200 ms',
  ])('before its first answer may be a matter of TLS: %s', (text) => {
    const cause = new Error(text);
    const failed = `The connection to host:6379 failed: ${text.replace(/\.$/, '')}.`;
    const [plainly, tls, later] = [
      errorOf(cause),
      errorOf(cause, true),
      errorOf(cause, true, true),
    ];
    expect(plainly).toBeInstanceOf(LostConnectionError);
    expect(plainly.message).toBe(
      `${failed} If the server expects TLS, use a URL that begins with rediss://.`,
    );
    expect(tls.message).toBe(
      `${failed} If the server does not speak TLS on this port, use a URL that begins with redis://.`,
    );
    expect(later).toMatchObject({ message: failed, cause });
  });

  it('for another reason is only lost', () => {
    expect(errorOf(new Error('connect ECONNREFUSED')).message).toBe(
      'The connection to host:6379 failed: connect ECONNREFUSED.',
    );
    expect(errorOf(undefined).message).toBe('The connection to host:6379 failed: undefined.');
  });

  it.each([
    ['Connection is closed.', true],
    ['None of startup nodes is available', true],
    ['Failed to refresh slots cache.', true],
    ['Cluster is ended.', true],
    ['no answer within 200 ms', true],
    ["READONLY You can't write", true],
    ['OOM command not allowed', false],
  ])('is recognised: %s', (text, expected) => {
    expect(isStale(new Error(text))).toBe(expected);
  });
});

describe('a member of a channel', () => {
  const record = {
    connectionId: 'c1',
    apiId: 'abcde12345',
    stage: 'dev',
    region: 'us-east-1',
    connectedAt: 5,
    expiresAt: 1_001,
    userId: 'ann with spaces',
    identity: '{}',
  };

  it('has what delivery needs of the record, and not the identity', () => {
    const { connectionId, expiresAt, identity: _, ...details } = record;
    expect(detailsOf(record)).toBe(`1001 ${JSON.stringify(details)}`);
    expect(expiryOf(detailsOf(record))).toBe(1_001);
    expect(readMember(`${sliceKey(connectionId)} t0ken ${detailsOf(record)}`)).toStrictEqual({
      sliceKey: sliceKey(connectionId),
      expiresAt,
      subscriber: { connectionId, ...details },
    });
  });

  it('has a token for each removal that has begun', () => {
    expect(tokensOf('')).toEqual([]);
    expect(tokensOf('t1/call1 t2/call2')).toEqual(['t1', 't2']);
    expect(wasBegunBy('call2', 't1/call1 t2/call2')).toBe(true);
    expect(wasBegunBy('t2', 't1/call1 t2/call2')).toBe(false);
  });
});
