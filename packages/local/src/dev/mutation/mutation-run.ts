import { setTimeout as sleep } from 'node:timers/promises';
import type { GatewayEvent } from '../../gateway/events.js';
import { callDynamoDb } from '../dynamodb/call-dynamodb.js';
import { type LocalGateway, startGateway } from '../start-gateway.js';
import type { ReadTemplate } from '../template/read-template.js';
import type { Observation, Session } from './session.js';

/** A session in which nothing happens for this long waits in vain, in milliseconds. */
const STALLED_MS = 1_000;
/** How long rows may take to be removed after a session, in milliseconds. */
const SETTLED_MS = 2_000;

/**
 * Runs a session against a gateway of its own.
 *
 * @param wanted - What is waited for a while after the session. @default the first two looks that are the same
 */
export async function observe(
  { options }: ReadTemplate,
  session: Session,
  wanted?: Observation,
): Promise<Observation> {
  const results = new Set<string>();
  let lastAt = performance.now();
  const onEvent = ({ route, result }: GatewayEvent): void => {
    results.add(`${route} ${result}`);
    lastAt = performance.now();
  };
  await using gateway = await startGateway({ ...options, quiet: true, onEvent });
  const over = new AbortController();
  const failing = session(gateway, { signal: over.signal }).then(
    () => undefined,
    (error: unknown) => firstLine(error),
  );
  const stalling = async (): Promise<string> => {
    for (lastAt = performance.now(); performance.now() - lastAt < STALLED_MS; await sleep(25));
    return 'it waits for something that does not come';
  };
  const failure = await Promise.race([failing, stalling()]);
  // Not awaited: the gateway's end ends the connections of a session that goes on.
  over.abort();
  const look = async (): Promise<Observation> => ({
    failure,
    refused: [],
    results: [...results].sort(),
    items: await itemsOf(gateway, options.tables),
  });
  return failure === undefined ? await settled(look, wanted) : { ...(await look()), failure };
}

/** Looks until it sees what is wanted, but not for ever. */
async function settled(
  look: () => Promise<Observation>,
  wanted: Observation | undefined,
): Promise<Observation> {
  let last = await look();
  for (const start = performance.now(); performance.now() - start < SETTLED_MS; ) {
    if (JSON.stringify(last) === JSON.stringify(wanted)) break;
    await sleep(wanted === undefined ? 250 : 25);
    const next = await look();
    if (wanted === undefined && JSON.stringify(next) === JSON.stringify(last)) break;
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
