import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayEvent } from '../../gateway/events.js';
import { callDynamoDb } from '../dynamodb/call-dynamodb.js';
import { type LocalGateway, prepareGateway } from '../start-gateway.js';
import type { ReadTemplate } from '../template/read-template.js';
import { isDecided, noticed, type Observation, type Session } from './session.js';

/** A session that is not known yet waits this long for something to happen, in milliseconds. */
const LONGEST_WAIT_MS = 30_000;
/** A session is over when nothing has changed for this long after it, in milliseconds. */
const SETTLED_MS = 2_000;
/** The same with the whole template: what comes later than that would be noticed in every mutant. */
const ORIGINAL_SETTLED_MS = 5_000;

/** A session, and what it was like with the whole template. */
export interface ObserveOptions {
  readonly session: Session;
  /** @default not known yet */
  readonly original?: Observation | undefined;
  /** How long it may wait for something to happen, in milliseconds. @default the template is whole: 30_000 */
  readonly waitMs?: number | undefined;
}

/** Runs a session against a gateway of its own. */
export async function observe(
  { options }: ReadTemplate,
  { session, original, waitMs }: ObserveOptions,
): Promise<Observation> {
  const seen = new Seen();
  const onEvent = ({ route, result }: GatewayEvent): void => seen.result(`${route} ${result}`);
  const running = prepareGateway({ ...options, quiet: true, onEvent });
  const over = new AbortController();
  running.permissions.onRefusal(({ caller, action, resource }) =>
    seen.refusal(`${action} on ${resource} to ${caller.principal}`),
  );
  try {
    const gateway = await running.start();
    const failing = session(seen.of(gateway), { signal: over.signal }).then(
      () => undefined,
      (error: unknown) => firstLine(error),
    );
    // A session that goes on is not awaited: it may never end.
    const failure = await Promise.race([
      failing,
      seen.nothingFor(waitMs ?? LONGEST_WAIT_MS, over.signal),
    ]);
    const look = async (): Promise<Observation> => ({
      ...seen.soFar,
      failure,
      items: await itemsOf(gateway, options.tables),
    });
    if (failure !== undefined) return await look();
    const quietMs = waitMs === undefined ? ORIGINAL_SETTLED_MS : Math.max(SETTLED_MS, waitMs);
    return await settled(look, { original, quietMs });
  } finally {
    over.abort();
    await running.close();
  }
}

/** What was seen of a session in the gateway, and when something was seen last. */
class Seen {
  readonly #results = new Set<string>();
  readonly #refused = new Set<string>();
  #lastAt: number | undefined;
  #longestWaitMs = 0;
  #invocations = 0;

  get soFar(): Pick<Observation, 'results' | 'refused' | 'longestWaitMs'> {
    const results = [...this.#results].sort();
    return { results, refused: [...this.#refused], longestWaitMs: this.#longestWaitMs };
  }

  result(result: string): void {
    this.#results.add(result);
    this.#happened();
  }

  refusal(refusal: string): void {
    this.#refused.add(refusal);
    this.#happened();
  }

  /** The gateway for a session that begins now. What it invokes may take its time. */
  of(gateway: LocalGateway): LocalGateway {
    this.#lastAt = performance.now();
    return {
      ...gateway,
      invoke: async (...args) => {
        this.#invocations += 1;
        try {
          return await gateway.invoke(...args);
        } finally {
          this.#invocations -= 1;
          this.#lastAt = performance.now();
        }
      },
    };
  }

  /** Resolves when nothing has happened for a while, or the session is over. */
  async nothingFor(ms: number, over: AbortSignal): Promise<string> {
    const isQuiet = (): boolean =>
      this.#invocations === 0 && performance.now() - (this.#lastAt ?? 0) >= ms;
    while (!over.aborted && !isQuiet()) await sleep(25);
    return 'it waits for something that does not come';
  }

  #happened(): void {
    const now = performance.now();
    if (this.#lastAt !== undefined) {
      this.#longestWaitMs = Math.max(this.#longestWaitMs, now - this.#lastAt);
    }
    this.#lastAt = now;
  }
}

/**
 * Looks until it sees what is wanted or what cannot become it, or nothing changes for a while: clients are
 * gone before their rows are.
 */
async function settled(
  look: () => Promise<Observation>,
  { original, quietMs }: { original: Observation | undefined; quietMs: number },
): Promise<Observation> {
  let last = await look();
  const start = performance.now();
  for (let changedAt = start; performance.now() - changedAt < quietMs; ) {
    if (original !== undefined && isDecided(last, original)) break;
    if (performance.now() - start > LONGEST_WAIT_MS) break;
    await sleep(50);
    const next = await look();
    if (noticed(next, last) !== undefined) changedAt = performance.now();
    last = next;
  }
  return last;
}

async function itemsOf(
  { environment }: LocalGateway,
  tables: readonly { readonly TableName: string }[] = [],
): Promise<number> {
  const { AWS_ENDPOINT_URL_DYNAMODB: endpoint, AWS_REGION: region = '' } = environment;
  if (endpoint === undefined) return 0;
  const counts = tables.map(async ({ TableName }) => {
    const input = JSON.stringify({ TableName, Select: 'COUNT' });
    const { body } = await callDynamoDb({ endpoint, region }, 'Scan', input);
    return (JSON.parse(body) as { readonly Count: number }).Count;
  });
  return (await Promise.all(counts)).reduce((sum, each) => sum + each, 0);
}

function firstLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.split('\n', 1)[0] ?? '';
}
