import type {
  PermissionsReport,
  ReportedCalls,
  ReportedStatement,
} from '../src/dev/control/permissions-report.js';
import { element, make } from './element.js';

const section = element('permissions', HTMLElement);
const refusals = element('refusals', HTMLUListElement);
const noRefusals = element('no-refusals', HTMLParagraphElement);
const unused = element('unused', HTMLUListElement);
const noUnused = element('no-unused', HTMLParagraphElement);
const unseen = element('unseen', HTMLParagraphElement);
const policies = element('policies', HTMLUListElement);
const noPolicies = element('no-policies', HTMLParagraphElement);

/** What a list shows, so that it is only made again when that has changed. */
const shown = new Map<HTMLUListElement, string>();

/** Shows what is known about permissions, if a function has a role. */
export function showPermissions(report: PermissionsReport): void {
  const { callers, idleRoles, unseenActions } = report;
  section.hidden = callers.length === 0;
  const refused = callers.flatMap(({ calls }) => calls.filter(({ refusal }) => refusal));
  fill(refusals, refused, refusalItem);
  noRefusals.hidden = refused.length > 0;

  const hasCalls = callers.some(({ calls }) => calls.length > 0);
  const others = [
    ...report.unusedInvokePermissions.map(({ source, sourceArn }) =>
      sourceArn === undefined ? source : `${source} for ${sourceArn}`,
    ),
    ...(hasCalls ? idleRoles : []).map((name) => `All of the role "${name}", which called nothing`),
  ];
  fill(unused, [...report.unused, ...others], unusedItem);
  noUnused.hidden = unused.childElementCount > 0;
  noUnused.textContent = hasCalls ? 'Each permission was used.' : 'Nothing was called yet.';
  unseen.hidden = unseenActions.length === 0;
  unseen.textContent = `Not seen here, whether they are used or not: ${unseenActions.join(', ')}`;

  const needed = callers.flatMap(({ name, policy }) => (policy ? { name, policy } : []));
  fill(policies, needed, policyItem);
  noPolicies.hidden = needed.length > 0;
}

/** Makes the items of a list, unless they are the same. Details that were open stay open. */
function fill<T>(
  list: HTMLUListElement,
  values: readonly T[],
  itemOf: (value: T) => HTMLLIElement,
): void {
  const key = JSON.stringify(values);
  if (shown.get(list) === key) return;
  shown.set(list, key);
  const open = new Set(
    [...list.querySelectorAll('details[open] > summary')].map((summary) => summary.textContent),
  );
  list.replaceChildren(...values.map(itemOf));
  for (const details of list.querySelectorAll('details')) {
    details.open = open.has(details.querySelector('summary')?.textContent ?? '');
  }
}

function refusalItem({ refusal, refused }: ReportedCalls): HTMLLIElement {
  const { text = '', statement } = refusal ?? {};
  const lines = text.split('\n').map((line) => make('p', {}, line));
  const times = refused === 1 ? 'once' : `${refused} times`;
  return make(
    'li',
    {},
    make('p', { className: 'muted' }, `Refused ${times}`),
    ...lines,
    ...(statement ? [make('pre', {}, asJson(statement))] : []),
  );
}

function unusedItem(value: ReportedStatement | string): HTMLLIElement {
  if (typeof value === 'string') {
    return make('li', {}, make('p', {}, value));
  }
  const { place, statement, parts } = value;
  const title = `${parts ? 'In' : 'All of'} ${place}`;
  const text = parts ? parts.join('\n') : asJson(statement);
  return make('li', {}, make('p', {}, title), make('pre', {}, text));
}

function policyItem({
  name,
  policy,
}: {
  readonly name: string;
  readonly policy: object;
}): HTMLLIElement {
  const details = make('details', {}, make('summary', {}, name), make('pre', {}, asJson(policy)));
  return make('li', {}, details);
}

function asJson(value: object): string {
  return JSON.stringify(value, null, 2);
}
