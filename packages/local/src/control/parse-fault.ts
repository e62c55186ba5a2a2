import type { Fault, FaultOn } from '../faults.js';
import { RequestError } from './request-error.js';

/** What may go wrong, by where. */
export const faultKinds: { readonly [On in Fault['on']]: readonly FaultOn<On>['kind'][] } = {
  post: ['gone', 'throttled', 'failed', 'lost', 'doubled', 'arrived-gone', 'delayed'],
  $disconnect: ['lost', 'delayed'],
  invocation: ['killed', 'delayed'],
};

/** A day: what is delayed for longer is lost. */
const LONGEST_DELAY_MS = 86_400_000;

interface Rule {
  readonly isKept: (value: unknown) => boolean;
  readonly text: string;
  /** Its option on the command line, where that has another name. */
  readonly option?: string;
}

const isName = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isIn = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && value >= least && value <= most;

const rules: Readonly<Record<string, Rule>> = {
  connectionId: { isKept: isName, text: 'a connection id', option: '--connection' },
  times: {
    isKept: (value) => Number.isSafeInteger(value) && Number(value) >= 1,
    text: 'a whole number from 1',
  },
  probability: {
    isKept: (value) => isIn(value, Number.MIN_VALUE, 1),
    text: 'a number above 0, up to 1',
  },
  delayMs: {
    isKept: (value) => isIn(value, 0, LONGEST_DELAY_MS),
    text: 'a number of milliseconds up to 86400000, a day',
    option: '--delay',
  },
  routeKey: { isKept: isName, text: 'a route key', option: '--route' },
};

/**
 * Reads a fault that somebody typed or sent.
 *
 * @throws RequestError that says what is wrong, and what there is instead.
 */
export function parseFault(value: unknown): Fault {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong('A fault is an object such as {"on":"post","kind":"throttled"}.');
  }
  const { on, kind, ...rest } = value as Readonly<Record<string, unknown>>;
  if (typeof on !== 'string' || !Object.hasOwn(faultKinds, on)) {
    throw wrong(`There is no fault of ${quote(on)}, only of ${list(Object.keys(faultKinds))}.`);
  }
  const kinds: readonly string[] = faultKinds[on as Fault['on']];
  if (kind === undefined) throw wrong(`Say which fault of "${on}" it is: ${list(kinds)}.`);
  if (typeof kind !== 'string' || !kinds.includes(kind)) {
    throw wrong(`There is no fault ${quote(kind)} of "${on}", only ${list(kinds)}.`);
  }
  for (const [name, given] of Object.entries(rest)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (!rule) {
      throw wrong(`A fault has no "${name}", only ${list(['on', 'kind', ...Object.keys(rules)])}.`);
    }
    if (given !== undefined && !rule.isKept(given)) {
      const called = rule.option === undefined ? `"${name}"` : `"${name}" (${rule.option})`;
      throw wrong(`${called} is ${quote(given)}, but must be ${rule.text}.`);
    }
  }
  const { delayMs, routeKey } = rest;
  if (kind === 'delayed' && delayMs === undefined) {
    throw wrong('The fault "delayed" needs "delayMs" (--delay): for how many milliseconds.');
  }
  if (kind !== 'delayed' && kind !== 'killed' && delayMs !== undefined) {
    throw wrong(`The fault "${kind}" has no "delayMs" (--delay); "delayed" and "killed" have.`);
  }
  if (kind !== 'killed' && routeKey !== undefined) {
    throw wrong(`The fault "${kind}" has no "routeKey" (--route); "killed" has.`);
  }
  return value as Fault;
}

function wrong(message: string): RequestError {
  return new RequestError(400, message);
}

function quote(value: unknown): string {
  return JSON.stringify(value) ?? 'undefined';
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
