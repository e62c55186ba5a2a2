import { type OptionType, option } from '@gatecast/framework/adapter';
import type { Fault, FaultOn } from './faults.js';

/** The kinds of faults, by the place where they happen. */
export const faultKinds: { readonly [On in Fault['on']]: readonly FaultOn<On>['kind'][] } = {
  post: ['gone', 'throttled', 'failed', 'lost', 'doubled', 'arrived-gone', 'delayed'],
  $disconnect: ['lost', 'delayed'],
  invocation: ['killed', 'delayed'],
};

interface Rule {
  readonly type: OptionType;
  /** Its option on the command line, if that has another name. */
  readonly flag?: string;
}

const rules: Readonly<Record<string, Rule>> = {
  connectionId: { type: { ...option.text, takes: 'a connection id' }, flag: '--connection' },
  times: {
    type: { ...option.integer(1, Number.MAX_SAFE_INTEGER), takes: 'a whole number from 1' },
  },
  probability: {
    type: {
      takes: 'a number above 0, up to 1',
      fits: (value) => typeof value === 'number' && value > 0 && value <= 1,
    },
  },
  delayMs: {
    type: {
      ...option.integer(0, 86_400_000),
      takes: 'a whole number of milliseconds up to 86400000, a day',
    },
    flag: '--delay',
  },
  routeKey: { type: { ...option.text, takes: 'a route key' }, flag: '--route' },
};

/** What is wrong with a fault, with the allowed values; `undefined` if it can happen. */
export function faultProblem(value: unknown): string | undefined {
  if (!option.object.fits(value)) {
    return 'A fault is an object such as {"on":"post","kind":"throttled"}.';
  }
  const { on, kind, ...rest } = value as Readonly<Record<string, unknown>>;
  if (typeof on !== 'string' || !Object.hasOwn(faultKinds, on)) {
    return `There is no fault of ${quote(on)}. Use one of: ${list(Object.keys(faultKinds))}.`;
  }
  const kinds: readonly string[] = faultKinds[on as Fault['on']];
  if (kind === undefined) {
    return `The kind of the fault of "${on}" is missing. Use one of: ${list(kinds)}.`;
  }
  if (typeof kind !== 'string' || !kinds.includes(kind)) {
    return `There is no fault ${quote(kind)} of "${on}". Use one of: ${list(kinds)}.`;
  }
  const settings = Object.entries(rest).map(([name, setting]) => settingProblem(name, setting));
  return settings.find((problem) => problem !== undefined) ?? kindProblem(kind, rest);
}

function settingProblem(name: string, setting: unknown): string | undefined {
  const rule = Object.hasOwn(rules, name) ? rules[name] : undefined;
  if (!rule) {
    return `A fault has no "${name}". Use only: ${list(['on', 'kind', ...Object.keys(rules)])}.`;
  }
  const { type, flag } = rule;
  if (setting === undefined || type.fits(setting)) return undefined;
  const label = flag === undefined ? `"${name}"` : `"${name}" (${flag})`;
  return `${label} is ${quote(setting)}, but must be ${type.takes}.`;
}

function kindProblem(
  kind: string,
  { delayMs, routeKey }: Readonly<Record<string, unknown>>,
): string | undefined {
  if (kind === 'delayed' && delayMs === undefined) {
    return 'The fault "delayed" needs "delayMs" (--delay), the delay in milliseconds.';
  }
  if (kind !== 'delayed' && kind !== 'killed' && delayMs !== undefined) {
    return `The fault "${kind}" has no "delayMs" (--delay); only "delayed" and "killed" have it.`;
  }
  return kind !== 'killed' && routeKey !== undefined
    ? `The fault "${kind}" has no "routeKey" (--route); only "killed" has it.`
    : undefined;
}

/** Numbers such as NaN are not JSON. */
function quote(value: unknown): string {
  return typeof value === 'number' ? String(value) : (JSON.stringify(value) ?? 'undefined');
}

function list(names: readonly string[]): string {
  return names.map((name) => `"${name}"`).join(', ');
}
