import { storeOver } from '../../../packages/adapters/src/dynamodb/dynamo-db-store.js';
import type { LogOfChannel } from '../../../packages/framework/src/store/log.js';
import { memoryStore } from '../../../packages/framework/src/store/memory.js';
import type { Store } from '../../../packages/framework/src/store/store.js';
import { DynamoMonitor, type MonitorOptions } from '../check/dynamo-monitor.js';
import { callTable } from '../table/call-table.js';
import { LONGEST_LAG_MS } from '../table/rows.js';
import { SimulatedTable } from '../table/simulated-table.js';
import type { Item } from '../table/values.js';
import type { Environment } from '../world/environment.js';
import type { World } from '../world/world.js';
import type { Adversary } from './adversary.js';
import type { Plan } from './plan.js';
import { simulatedPort } from './simulated-port.js';
import type { Story } from './story.js';

/** A database, and the store on it as each environment loads it. */
export interface Backend {
  /** The store of an environment, with the adversary between it and the database. */
  load(environment: Environment): Store;
  /** The same store without adversary and without delay, for checks. */
  readonly direct: Store;
  /** Makes the state in which the run begins. */
  prepare(): Promise<void>;
}

export interface BackendOptions extends MonitorOptions {
  readonly plan: Plan;
  readonly world: World;
  readonly adversary: Adversary;
  readonly story: Story | undefined;
  /** The channel's log. */
  readonly log: LogOfChannel;
}

/** R of the protocol. */
const RING = 12;

/** The memory store: one process, so that nothing can happen between it and its memory. */
export function memoryBackend(): Backend {
  const store = memoryStore();
  return { load: () => store, direct: store, prepare: async () => {} };
}

/** The DynamoDB store on a simulated table. */
export function dynamoBackend(options: BackendOptions): Backend {
  const { plan, world, adversary, story, log } = options;
  const { deletionDelayMs, pageBytes, returnsOldItem } = plan.weather;
  const monitor = new DynamoMonitor(options);
  const random = world.random.fork('table');
  const table = new SimulatedTable({
    now: () => world.now,
    deletionDelayMs: () =>
      deletionDelayMs === Infinity ? Infinity : random.next() * deletionDelayMs,
    lagMs: () => random.below(LONGEST_LAG_MS),
    pageBytes,
    onWrite: monitor.see,
  });
  monitor.watch(table);
  const storeAt = (port: Parameters<typeof simulatedPort>[0] | undefined): Store =>
    storeOver(
      async () => ({
        region: 'simulated',
        port: port
          ? simulatedPort(port)
          : { call: async (operation, input) => callTable(table, { operation, input }) },
      }),
      { table: 'simulated', keyPrefix: '', budgetMs: plan.budgetMs },
    );
  const direct = storeAt(undefined);
  return {
    load: (environment) => storeAt({ world, table, adversary, environment, returnsOldItem, story }),
    direct,
    async prepare() {
      if (plan.firstOffset === 0) return;
      await direct.log?.head(log);
      const head = table.peek(monitor.headKey, '-');
      monitor.prepare(() => {
        table.putItem({ TableName: '', Item: { ...head, ...oldHead(plan.firstOffset) } });
      });
    },
  };
}

/** What HEAD of a log looks like that was used until all its entries expired. */
function oldHead(firstOffset: number): Item {
  const ids = Object.fromEntries(
    Array.from({ length: RING }, (_, index) => [
      `${`old${index}`.padEnd(16, '_')}zz`,
      { N: String(firstOffset - index) },
    ]),
  );
  return {
    top: { N: String(firstOffset) },
    floor: { N: String(firstOffset - RING) },
    ids: { M: ids },
  };
}
