import { StoreError } from '@gatecast/framework';

/** A mistake in the set-up that the link finds itself. */
export class RedisSetupError extends Error {
  override readonly name = 'RedisSetupError';
  readonly advice: string;

  constructor(message: string, advice: string, cause?: unknown) {
    super(message, { cause });
    this.advice = advice;
  }
}

/** The connection broke or could not be opened. A new one may work. */
export class LostConnectionError extends Error {
  override readonly name = 'LostConnectionError';
}

/** A call ran out of time. Its connection may still work. */
export class TimeOverError extends Error {
  override readonly name = 'TimeOverError';

  constructor() {
    super('it ran out of time');
  }
}

const untrusted =
  'Set NODE_EXTRA_CA_CERTS to the file with the certificate of its authority before the process starts, or pass redisStore({ client }) with tls.ca.';
const plain =
  'Use a URL that begins with redis://, or the port on which the server speaks TLS: this one does not.';

// Keys are the error codes of Node and OpenSSL.
const tlsAdvice: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: 'Use a host name in the URL that the certificate covers.',
  CERT_HAS_EXPIRED: 'Renew the certificate of the server.',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'Pass redisStore({ client }) with tls.cert and tls.key: the server asks for a certificate.',
  ERR_SSL_WRONG_VERSION_NUMBER: plain,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: plain,
};

/** A connection that broke or could not be opened. */
export interface BrokenConnection {
  readonly where: string;
  readonly isTls: boolean;
  /** Whether the server has ever answered, on this connection or an earlier one. */
  readonly wasAnswered: boolean;
  readonly cause: unknown;
}

/** Decides whether the set-up is wrong, or whether a new connection may work. */
export function connectionError(broken: BrokenConnection): RedisSetupError | LostConnectionError {
  const { where, isTls, wasAnswered, cause } = broken;
  const text = sentence(describe(cause));
  const advice = tlsAdvice[codeOf(cause)];
  if (advice !== undefined) {
    return new RedisSetupError(`TLS with ${where} failed: ${text}`, advice, cause);
  }
  const mistake = isTls
    ? ' If the server does not speak TLS on this port, use a URL that begins with redis://.'
    : ' If the server expects TLS, use a URL that begins with rediss://.';
  const likely = !wasAnswered && silent.test(text) ? mistake : '';
  return new LostConnectionError(`The connection to ${where} failed: ${text}${likely}`, { cause });
}

// Errors that appear when the server does not understand the first bytes: TLS against a plain port or the
// reverse.
const silent =
  /ECONNRESET|EPIPE|Connection is closed|before secure TLS connection|no answer within/;

interface Known {
  readonly reason: string;
  /** Absent if the same call may succeed later. */
  readonly advice?: string;
}

const forbidden: Known = {
  reason: 'The user may not do this (NOPERM).',
  advice:
    'Allow it +@hash +@sortedset +@stream +@scripting +get +set +exists +unlink +pexpire +pttl +time on the keys of the prefix (ACL SETUSER), +select for a database other than 0, and in a cluster +cluster|slots.',
};
// Keys are the first words of error replies. Before Redis 7, an error inside a script has them in the
// middle of its text.
const known: Readonly<Record<string, Known>> = {
  OOM: {
    reason: 'The server is full (OOM, maxmemory).',
    advice: 'Give the server more memory, and keep its maxmemory-policy at noeviction.',
  },
  WRONGPASS: {
    reason: 'The server does not accept the user name and password (WRONGPASS).',
    advice: 'Set both in the URL, percent-encoded: rediss://user:password@host:6379.',
  },
  NOAUTH: {
    reason: 'The server asks for a password (NOAUTH).',
    advice: 'Set it in the URL, percent-encoded: rediss://user:password@host:6379.',
  },
  NOPERM: forbidden,
  // The form that Redis 7 uses inside a script.
  'The user executing the script': forbidden,
  MOVED: {
    reason: 'The server is a node of a cluster (MOVED).',
    advice: 'Pass its URL as redisStore({ cluster }) instead of redisStore({ url }).',
  },
  'cluster support disabled': {
    reason: 'The server is not a node of a cluster.',
    advice: 'Pass its URL as redisStore({ url }) instead of redisStore({ cluster }).',
  },
  'DB index is out of range': {
    reason: 'The server has no database of this number.',
    advice: 'End the URL with the number of a database that the server has, or without a number.',
  },
  'unknown command': {
    reason: 'The server does not know a command that the store needs.',
    advice: 'Use Redis 6.2 or later, or a compatible server, and do not rename commands.',
  },
  WRONGTYPE: {
    reason: 'A key of the store has the wrong type (WRONGTYPE).',
    advice: 'Give the store a keyPrefix that nothing else on the server uses.',
  },
  MISCONF: {
    reason: 'The server cannot save to its disk and refuses writes (MISCONF).',
    advice: 'Check the disk and the log of the server.',
  },
  // From the message of the cluster client when it gives up after too many redirections (MOVED and the
  // like).
  redirections: { reason: 'No node of the cluster served the key.' },
  // After a fail-over, the name of the primary may lead to the old one for some seconds.
  READONLY: {
    reason:
      'The server is a read-only replica (READONLY). Unless a fail-over has just begun, point the store at the primary endpoint, not at a reader endpoint or a single node.',
  },
  CLUSTERDOWN: { reason: 'The cluster has no node for some of its slots (CLUSTERDOWN).' },
  LOADING: { reason: 'The server is still loading its data (LOADING).' },
  MASTERDOWN: { reason: 'The replica has lost its primary (MASTERDOWN).' },
  NOREPLICAS: { reason: 'The server has too few replicas for a write (NOREPLICAS).' },
  TRYAGAIN: { reason: 'The cluster is moving the slot (TRYAGAIN).' },
  BUSY: { reason: 'The server is busy with a script (BUSY).' },
};
const knownWord = new RegExp(`\\b(${Object.keys(known).join('|')})\\b`);

/** Converts the error of a command to the `StoreError` that the framework expects. */
export function toStoreError(operation: string, error: unknown): StoreError {
  const cause = withoutCommand(error);
  // If a cluster is down, the message is "Too many Cluster redirections. Last error: … CLUSTERDOWN".
  const word =
    /\bCLUSTERDOWN\b/.exec(cause.message)?.[0] ?? knownWord.exec(cause.message)?.[0] ?? '';
  const advice = error instanceof RedisSetupError ? { advice: error.advice } : undefined;
  return StoreError.of({
    store: 'redis',
    operation,
    ...(known[word] ?? { reason: sentence(cause.message), ...advice }),
    cause,
  });
}

// READONLY: the primary has become a replica, and a new connection finds the new primary.
const stale =
  /Connection is closed|startup nodes is available|refresh slots cache|Cluster is ended|no answer within|READONLY/;

/** Whether an error means that the connection can no longer be used. */
export function isStale(error: unknown): boolean {
  return stale.test(describe(error));
}

/** The text of an error. For an AggregateError without text, the text of its first error. */
export function describe(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return describe(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  // The reply to an unknown command repeats the command's arguments, which may be secret.
  const [message = ''] = error.message.split(', with args beginning with');
  // The messages of OpenSSL's errors only help its own developers.
  const { reason } = error as { reason?: unknown };
  return typeof reason === 'string' && codeOf(error).startsWith('ERR_SSL_') ? reason : message;
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

// ioredis adds the command to its errors, and with it secrets: the password of AUTH, the identity in a
// record.
function withoutCommand(error: unknown): Error {
  const clean = new Error(describe(error));
  if (!(error instanceof Error)) return clean;
  clean.name = error.name;
  const { stack, message } = error;
  if (stack !== undefined) clean.stack = stack.replace(message, () => clean.message);
  return clean;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
