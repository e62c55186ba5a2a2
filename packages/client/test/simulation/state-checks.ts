import type { ConnectionState } from '../../src/index.js';
import type { Checks } from './checks.js';

const successors: Readonly<Record<ConnectionState, readonly ConnectionState[]>> = {
  connecting: ['connected', 'waiting', 'closed'],
  connected: ['waiting', 'closed'],
  // While it waits, it may begin to wait for something else: for the page to be shown.
  waiting: ['connecting', 'waiting', 'closed'],
  closed: [],
};

/** How long a connection must last to be a success although nothing came of it. */
const STABLE_MS = 5_000;
const FAILURES_IN_SILENCE = 2;

/** A listener for states. */
export interface StateListener {
  /** How many states had been told when it was added. */
  readonly from: number;
  /** How many had been told at the end of that step: it need not hear what was on its way already. */
  to?: number;
  readonly seen: ConnectionState[];
  isOff: boolean;
}

type FailureKind = 'no connection' | 'sent away';

/** The rules for states, and for what the application is told of failures. */
export class StateChecks {
  readonly #checks: Checks;
  /** What the first listener has seen. */
  readonly #states: ConnectionState[] = [];
  readonly #listeners: StateListener[] = [];
  #openedMs = 0;
  /** Whether anything but a refusal has come through the connection. */
  #isOfUse = false;
  #row: { kind: FailureKind; length: number; isTold: boolean } | undefined;
  #hasWarned = false;

  constructor(checks: Checks) {
    this.#checks = checks;
  }

  listen(): StateListener {
    const listener: StateListener = { from: this.#states.length, seen: [], isOff: false };
    this.#listeners.push(listener);
    return listener;
  }

  /** The first listener is called. */
  entered(state: ConnectionState, code: string | undefined): void {
    this.#checks.world.note('state', state, code ?? '');
    const before = this.#states.at(-1) ?? 'connecting';
    if (!successors[before].includes(state)) {
      this.#fails('an impossible state', `"${state}" after "${before}".`);
    }
    this.#states.push(state);
    if (state === 'connected' && this.#row?.kind === 'no connection') this.#row = undefined;
    if (state === 'connecting') this.#checks.connections.tries();
    if (state === 'waiting') this.#failed(code);
    if (state === 'closed') this.#checks.closed();
  }

  /** Another listener is called. */
  heard(listener: StateListener, state: ConnectionState): void {
    if (listener.isOff) this.#fails('a call after its end', `A listener hears "${state}".`);
    listener.seen.push(state);
  }

  /** A connection is open, perhaps to take the place of one that was of use. */
  opened(isSecond: boolean): void {
    this.#openedMs = this.#checks.world.time.nowMs;
    if (!isSecond) this.#isOfUse = false;
  }

  arrives(data: unknown): void {
    const isRefusal = /"ERR_CONNECTION_UNKNOWN"|"bye"/.test(String(data));
    if (!isRefusal) this.#isOfUse = true;
  }

  /** The application is told that the connection is refused. */
  told(): void {
    if (this.#row) this.#row.isTold = true;
  }

  /** `console.warn` is called. */
  warned(): void {
    this.#hasWarned = true;
  }

  step(): void {
    const states = this.#states;
    const current = states.at(-1) ?? 'connecting';
    const { application } = this.#checks;
    if (application && application.state !== current) {
      const text = `The state is "${application.state}", and "${current}" was told.`;
      this.#fails('states out of order', text);
    }
    for (const listener of this.#listeners) {
      listener.to ??= states.length;
      if (isInOrder(listener, states)) continue;
      const { seen, from } = listener;
      this.#fails(
        'states out of order',
        `One heard ${seen.join()}, another ${states.join()} (from ${from}).`,
      );
    }
    this.#checkSilence();
  }

  #failed(code: string | undefined): void {
    const kind = failureKind(code);
    const isOfUse = this.#isOfUse || this.#checks.world.time.nowMs - this.#openedMs >= STABLE_MS;
    if (!kind || (kind === 'sent away' && isOfUse)) {
      this.#row = undefined;
      return;
    }
    if (this.#row?.kind === kind) this.#row.length += 1;
    else this.#row = { kind, length: 1, isTold: false };
  }

  #checkSilence(): void {
    const row = this.#row;
    if (!row || row.length <= FAILURES_IN_SILENCE || this.#hasWarned) return;
    if (row.isTold || this.#checks.closedMs !== undefined) return;
    this.#fails('failures in silence', `${row.length} in a row: ${row.kind}.`);
  }

  #fails: Checks['world']['fails'] = (kind, text) => this.#checks.world.fails(kind, text);
}

/** Whether a listener has heard all states, from about the time on when it was added. */
function isInOrder(
  { from, to = from, seen, isOff }: StateListener,
  states: readonly string[],
): boolean {
  for (let start = Math.max(from - 1, 0); start <= to; start += 1) {
    const due = states.slice(start);
    const isComplete = isOff || due.length === seen.length;
    if (isComplete && seen.every((state, index) => state === due[index])) return true;
  }
  return false;
}

function failureKind(code: string | undefined): FailureKind | undefined {
  if (code === 'ERR_HANDSHAKE' || code === 'ERR_TOKEN') return 'no connection';
  return code === 'ERR_CONNECTION_UNKNOWN' || code === 'ERR_DEPLOY' ? 'sent away' : undefined;
}
