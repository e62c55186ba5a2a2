import type { Api } from '../api.js';
import type { Fault } from '../faults.js';
import { faultKinds } from './parse-fault.js';

/** The last good version of a function goes on, because the present source failed. */
export interface ReloadFailure {
  readonly functionName: string;
  /** What esbuild, or the module while it was loaded, had to say. */
  readonly message: string;
}

/** What the control API reaches of the functions behind the gateway. */
export interface ControlledFunctions {
  readonly failures: () => readonly ReloadFailure[];
  /** Kills every execution environment and resolves to how many there were. */
  readonly killEnvironments: () => Promise<number>;
}

/** What is behind the control API. */
export interface Controlled {
  readonly api: Api;
  /** @default nothing is known of them */
  readonly functions: ControlledFunctions | undefined;
}

/** One live connection. Times are those of the gateway's clock, in milliseconds since the epoch. */
export interface ConnectionState {
  readonly connectionId: string;
  readonly connectedAt: number;
  readonly lastActiveAt: number;
  readonly sourceIp: string;
  readonly userAgent?: string | undefined;
  /** The channels it is subscribed to, as far as the answers to its frames tell. */
  readonly channels: readonly string[];
}

/** What `gatecast dev` knows at a moment. */
export interface ControlState {
  /** Where clients connect. */
  readonly url: string;
  readonly stage: string;
  readonly routes: readonly string[];
  readonly clockAheadMs: number;
  readonly faults: readonly Fault[];
  /** What faults there are, by what they are of. */
  readonly faultKinds: Readonly<Record<string, readonly string[]>>;
  readonly connections: readonly ConnectionState[];
  readonly failures: readonly ReloadFailure[];
  readonly canKillEnvironments: boolean;
}

/** Takes the state of the moment. */
export function controlState({ api, functions }: Controlled): ControlState {
  return {
    url: `ws://${api.facts.domainName}${api.path}`,
    stage: api.facts.stage,
    routes: [...(api.deployment?.routes.keys() ?? [])],
    clockAheadMs: api.clock.aheadMs,
    faults: api.faults.list,
    faultKinds,
    connections: api.connections.open.map(({ facts, lastActiveAt, channels }) => ({
      connectionId: facts.connectionId,
      connectedAt: facts.connectedAt,
      lastActiveAt,
      sourceIp: facts.sourceIp,
      userAgent: facts.userAgent,
      channels: [...channels],
    })),
    failures: functions?.failures() ?? [],
    canKillEnvironments: functions !== undefined,
  };
}
