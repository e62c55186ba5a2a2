import type { Api } from '../../gateway/api.js';
import { faultKinds } from '../../gateway/fault-problem.js';
import type { Fault } from '../../gateway/faults.js';

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
export function controlState({ api, functions }: Controlled): ControlState {
  return {
    url: `ws://${api.details.domainName}${api.path}`,
    stage: api.details.stage,
    routes: [...(api.deployment?.routes.keys() ?? [])],
    clockAheadMs: api.clock.aheadMs,
    faults: api.faults.list,
    faultKinds,
    connections: api.connections.open.map(({ details, lastActiveAt, channels }) => ({
      connectionId: details.connectionId,
      connectedAt: details.connectedAt,
      lastActiveAt,
      sourceIp: details.sourceIp,
      userAgent: details.userAgent,
      channels: [...channels],
    })),
    failures: functions?.failures() ?? [],
    canKillEnvironments: functions !== undefined,
  };
}
