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

  constructor(where: string, cause: unknown) {
    super(`The connection to ${where} failed: ${describe(cause)}`, { cause });
  }
}

interface Known {
  readonly reason: string;
  /** Absent where the same call may succeed later. */
  readonly advice?: string;
}

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
  NOPERM: {
    reason: 'The user may not do this (NOPERM).',
    advice:
      'Allow it +@hash +@sortedset +@scripting +pexpire +pttl on the keys of the prefix (ACL SETUSER).',
  },
  MOVED: {
    reason: 'The server is a node of a cluster (MOVED).',
    advice: 'Pass its URL as redisStore({ cluster }) instead of redisStore({ url }).',
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

/** The text of an error; one that holds several may have none of its own. */
export function describe(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return describe(error.errors[0]);
  return error instanceof Error ? error.message : String(error);
}

// ioredis hangs the command on its errors: the password of AUTH, the identity in a record.
function withoutCommand(error: unknown): Error {
  const clean = new Error(describe(error));
  if (!(error instanceof Error)) return clean;
  clean.name = error.name;
  if (error.stack !== undefined) clean.stack = error.stack;
  return clean;
}

function sentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
