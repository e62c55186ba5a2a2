import type { Fault, FaultOn } from '../faults.js';
import { RequestError } from './request-error.js';

/** The kinds of faults, by the place where they happen. */
export const faultKinds: { readonly [On in Fault['on']]: readonly FaultOn<On>['kind'][] } = {
  post: ['gone', 'throttled', 'failed', 'lost', 'doubled', 'arrived-gone', 'delayed'],
  $disconnect: ['lost', 'delayed'],
  invocation: ['killed', 'delayed'],
};

/** A day, in milliseconds. */
const LONGEST_DELAY_MS = 86_400_000;

interface Rule {
  readonly isValid: (value: unknown) => boolean;
  readonly text: string;
  /** Its option on the command line, if that has another name. */
  readonly option?: string;
}

const isName = (value: unknown): boolean => typeof value === 'string' && value !== '';
const isIn = (value: unknown, least: number, most: number): boolean =>
  typeof value === 'number' && value >= least && value <= most;

const rules: Readonly<Record<string, Rule>> = {
  connectionId: { isValid: isName, text: 'a connection id', option: '--connection' },
  times: {
    isValid: (value) => Number.isSafeInteger(value) && Number(value) >= 1,
    text: 'a whole number from 1',
  },
  probability: {
    isValid: (value) => isIn(value, Number.MIN_VALUE, 1),
    text: 'a number above 0, up to 1',
  },
  delayMs: {
    isValid: (value) => isIn(value, 0, LONGEST_DELAY_MS),
    text: 'a number of milliseconds up to 86400000, a day',
    option: '--delay',
  },
  routeKey: { isValid: isName, text: 'a route key', option: '--route' },
};

/**
 * Parses a fault from the command line or a request.
 *
 * @throws RequestError with the problem and the allowed values.
 */
export function parseFault(value: unknown): Fault {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw wrong('A fault is an object such as {"on":"post","kind":"throttled"}.');
  }
  const { on, kind, ...rest } = value as Readonly<Record<string, unknown>>;
  if (typeof on !== 'string' || !Object.hasOwn(faultKinds, on)) {
    throw wrong(`There is no fault of ${quote(on)}. Use one of: ${list(Object.keys(faultKinds))}.`);
  }
  const kinds: readonly string[] = faultKinds[on as Fault['on']];
  if (kind === undefined)
    throw wrong(`The kind of the fault of "${on}" is missing. Use one of: ${list(kinds)}.`);
  if (typeof kind !== 'string' || !kinds.includes(kind)) {
    throw wrong(`There is no fault ${quote(kind)} of "${on}". Use one of: ${list(kinds)}.`);
  }
  for (const [name, setting] of Object.entries(rest)) {
    const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
    if (!rule) {
      throw wrong(
        `A fault has no "${name}". Use only: ${list(['on', 'kind', ...Object.keys(rules)])}.`,
      );
    }
    if (setting !== undefined && !rule.isValid(setting)) {
      const label = rule.option === undefined ? `"${name}"` : `"${name}" (${rule.option})`;
      throw wrong(`${label} is ${quote(setting)}, but must be ${rule.text}.`);
    }
  }
  const { delayMs, routeKey } = rest;
  if (kind === 'delayed' && delayMs === undefined) {
    throw wrong('The fault "delayed" needs "delayMs" (--delay), the delay in milliseconds.');
  }
  if (kind !== 'delayed' && kind !== 'killed' && delayMs !== undefined) {
    throw wrong(
      `The fault "${kind}" has no "delayMs" (--delay); only "delayed" and "killed" have it.`,
    );
  }
  if (kind !== 'killed' && routeKey !== undefined) {
    throw wrong(`The fault "${kind}" has no "routeKey" (--route); only "killed" has it.`);
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
