import { StoreError } from '@gatecast/framework';

/** Mistakes of the set-up that the link itself finds. */
export class RedisSetupError extends Error {
  override readonly name = 'RedisSetupError';
  readonly advice: string;

  constructor(message: string, advice: string, cause?: unknown) {
    super(message, { cause });
    this.advice = advice;
  }
}

/** The connection broke, or never came about: another one may do better. */
export class LostConnectionError extends Error {
  override readonly name = 'LostConnectionError';
}

/** The time that a call had is over. The connection may be as good as before. */
export class TimeOverError extends Error {
  override readonly name = 'TimeOverError';

  constructor() {
    super('the time for it was over');
  }
}

const untrusted =
  'Set NODE_EXTRA_CA_CERTS to the file with the certificate of its authority before the process starts, or pass redisStore({ client }) with tls.ca.';
const plain =
  'Let the URL begin with redis://, or give the port on which the server speaks TLS: this one does not.';

// By the codes of Node and OpenSSL.
const tlsAdvice: Readonly<Record<string, string>> = {
  SELF_SIGNED_CERT_IN_CHAIN: untrusted,
  DEPTH_ZERO_SELF_SIGNED_CERT: untrusted,
  UNABLE_TO_VERIFY_LEAF_SIGNATURE: untrusted,
  UNABLE_TO_GET_ISSUER_CERT_LOCALLY: untrusted,
  ERR_TLS_CERT_ALTNAME_INVALID: 'Use a name in the URL that the certificate is for.',
  CERT_HAS_EXPIRED: 'Renew the certificate of the server.',
  ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED:
    'Pass redisStore({ client }) with tls.cert and tls.key: the server asks for a certificate.',
  ERR_SSL_WRONG_VERSION_NUMBER: plain,
  ERR_SSL_PACKET_LENGTH_TOO_LONG: plain,
};

/** A connection that broke, or never came about. */
export interface BrokenConnection {
  readonly where: string;
  readonly isTls: boolean;
  /** Whether the server has ever answered, over this connection or an earlier one. */
  readonly wasAnswered: boolean;
  readonly cause: unknown;
}

/** Tells a mistake in the set-up from a connection that another one may replace. */
export function connectionError(broken: BrokenConnection): RedisSetupError | LostConnectionError {
  const { where, isTls, wasAnswered, cause } = broken;
  const text = sentence(describe(cause));
  const advice = tlsAdvice[codeOf(cause)];
  if (advice !== undefined) {
    return new RedisSetupError(`TLS with ${where} failed: ${text}`, advice, cause);
  }
  const mistake = isTls
    ? ' If the server speaks no TLS on this port, let the URL begin with redis://.'
    : ' If the server expects TLS, let the URL begin with rediss://.';
  const likely = !wasAnswered && silent.test(text) ? mistake : '';
  return new LostConnectionError(`The connection to ${where} failed: ${text}${likely}`, { cause });
}

// What is seen of a server that makes no sense of the first bytes.
const silent =
  /ECONNRESET|EPIPE|Connection is closed|before secure TLS connection|no answer within/;

interface Known {
  readonly reason: string;
  /** Absent where the same call may succeed later. */
  readonly advice?: string;
}

const forbidden: Known = {
  reason: 'The user may not do this (NOPERM).',
  advice:
    'Allow it +@hash +@sortedset +@scripting +set +exists +pexpire +pttl +time on the keys of the prefix (ACL SETUSER), +select for a database other than 0, and in a cluster +cluster|slots.',
};
// By the first word of an error reply. Before Redis 7 the error of a command inside a script has it
// somewhere in the middle.
const known: Readonly<Record<string, Known>> = {
  OOM: {
    reason: 'The server is full (OOM, maxmemory).',
    advice: 'Give the server more memory, and keep its maxmemory-policy at noeviction.',
  },
  READONLY: {
    reason: 'The server is a read-only replica (READONLY).',
    advice: 'Point the store at the primary endpoint, not at a reader endpoint or a single node.',
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
  // What Redis 7 says of a command inside a script.
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
    advice: 'End the URL with the number of one that it has, or with none.',
  },
  'unknown command': {
    reason: 'The server does not know a command that the store needs.',
    advice: 'Use Redis 6.2 or later, or what speaks its language, and rename none of its commands.',
  },
  WRONGTYPE: {
    reason: 'A key of this name holds something else (WRONGTYPE).',
    advice: 'Give the store a keyPrefix that nothing else on the server uses.',
  },
  MISCONF: {
    reason: 'The server cannot save to its disk and refuses writes (MISCONF).',
    advice: 'Look at the disk and the log of the server.',
  },
  // How the cluster client begins when it gives up following MOVED and the like.
  redirections: { reason: 'No node of the cluster served the key.' },
  CLUSTERDOWN: { reason: 'The cluster has no node for some of its slots (CLUSTERDOWN).' },
  LOADING: { reason: 'The server is still loading its data (LOADING).' },
  MASTERDOWN: { reason: 'The replica has lost its primary (MASTERDOWN).' },
  NOREPLICAS: { reason: 'The server has too few replicas for a write (NOREPLICAS).' },
  TRYAGAIN: { reason: 'The cluster is moving the slot (TRYAGAIN).' },
  BUSY: { reason: 'The server is busy with a script (BUSY).' },
};
const knownWord = new RegExp(`\\b(${Object.keys(known).join('|')})\\b`);

/** Makes the error that the framework expects of whatever a command failed with. */
export function toStoreError(operation: string, error: unknown): StoreError {
  const cause = withoutCommand(error);
  // A cluster that is down is told by "Too many Cluster redirections. Last error: … CLUSTERDOWN".
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

// READONLY: what was the primary has become a replica, and a new connection finds the new one.
const stale =
  /Connection is closed|startup nodes is available|refresh slots cache|Cluster is ended|no answer within|READONLY/;

/** Whether an error says that the connection is of no use any more. */
export function isStale(error: unknown): boolean {
  return stale.test(describe(error));
}

/** The text of an error; of an AggregateError without one, that of its first error. */
export function describe(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return describe(error.errors[0]);
  if (!(error instanceof Error)) return String(error);
  // What a server says of a command that it does not know goes on with the arguments.
  const [message = ''] = error.message.split(', with args beginning with');
  // The message of OpenSSL's errors is for its own developers.
  const { reason } = error as { reason?: unknown };
  return typeof reason === 'string' && codeOf(error).startsWith('ERR_SSL_') ? reason : message;
}

function codeOf(error: unknown): string {
  const { code } = (error ?? {}) as { code?: unknown };
  return typeof code === 'string' ? code : '';
}

// ioredis hangs the command on its errors: the password of AUTH, the identity in a record.
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
