import type { Api } from '../../gateway/api.js';
import { faultKinds } from '../../gateway/fault-problem.js';
import type { Fault } from '../../gateway/faults.js';
import type { Connection } from '../../gateway/websocket/connection.js';
import type { Journal } from './journal.js';

/** A failed reload of a function, whose last good version keeps running. */
export interface ReloadFailure {
  readonly functionName: string;
  /** The message of esbuild, or of the module while it was loaded. */
  readonly message: string;
}

/** Access of the control API to the functions behind the gateway. */
export interface ControlledFunctions {
  readonly failures: () => readonly ReloadFailure[];
  /** Kills all execution environments and resolves to their number. */
  readonly killEnvironments: () => Promise<number>;
}

/** The gateway and the functions that the control API controls. */
export interface Controlled {
  readonly api: Api;
  /** @default the functions are not known */
  readonly functions: ControlledFunctions | undefined;
  readonly journal: Journal;
  /** The channels that each connection is known to be subscribed to. */
  readonly channels: WeakMap<Connection, ReadonlySet<string>>;
}

/** One open connection. Times are on the gateway's clock, in milliseconds since the epoch. */
export interface ConnectionState {
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly lastActiveAt: number;
  readonly sourceIp: string;
  readonly userAgent?: string | undefined;
  /** The channels that it is subscribed to, according to the answers to its frames. */
  readonly channels: readonly string[];
}

/** The current state of `gatecast dev`. */
export interface ControlState {
  /** The id of the gateway's process. */
  readonly pid: number;
  /** The URL for clients. */
  readonly url: string;
  readonly stage: string;
  readonly routes: readonly string[];
  readonly clockAheadMs: number;
  readonly faults: readonly Fault[];
  /** The kinds of faults, by the place where they happen. */
  readonly faultKinds: Readonly<Record<string, readonly string[]>>;
  readonly connections: readonly ConnectionState[];
  readonly failures: readonly ReloadFailure[];
  readonly canKillEnvironments: boolean;
}

/** Reads the current state. */
export function controlState({ api, functions, channels }: Controlled): ControlState {
  return {
    pid: process.pid,
    url: `ws://${api.details.domainName}${api.path}`,
    stage: api.details.stage,
    routes: [...(api.deployment?.routes.keys() ?? [])],
    clockAheadMs: api.clock.aheadMs,
    faults: api.faults.list,
    faultKinds,
    connections: api.connections.open.map((connection) => ({
      connectionId: connection.details.connectionId,
      connectedAt: connection.details.connectedAt,
      lastActiveAt: connection.lastActiveAt,
      sourceIp: connection.details.sourceIp,
      userAgent: connection.details.userAgent,
      channels: [...(channels.get(connection) ?? [])],
    })),
    failures: functions?.failures() ?? [],
    canKillEnvironments: functions !== undefined,
  };
}
