import type { ControlState } from '../src/dev/control/state.js';
import { control, tell } from './control.js';
import { element, make } from './element.js';

const list = element('faults', HTMLUListElement);
const none = element('no-faults', HTMLParagraphElement);
const form = element('add-fault', HTMLFormElement);
const fault = element('fault', HTMLSelectElement);
const times = element('times', HTMLInputElement);
const probability = element('probability', HTMLInputElement);
const delay = element('delay', HTMLInputElement);
const route = element('fault-route', HTMLInputElement);
const connection = element('fault-connection', HTMLInputElement);
const routes = element('routes', HTMLDataListElement);
const clear = element('clear-faults', HTMLButtonElement);
const kill = element('kill', HTMLButtonElement);

/** Shows the current faults and the kinds that can be added. */
export function showFaults(state: ControlState): void {
  if (fault.childElementCount === 0) {
    fault.append(...Object.entries(state.faultKinds).map(choices));
    fit();
  }
  routes.replaceChildren(...state.routes.map((value) => make('option', { value })));
  none.hidden = state.faults.length > 0;
  clear.disabled = state.faults.length === 0;
  kill.hidden = !state.canKillEnvironments;
  list.replaceChildren(...state.faults.map((each) => make('li', {}, faultText(each))));
}

form.addEventListener('submit', (submitted) => {
  submitted.preventDefault();
  const [on, kind] = fault.value.split(' ');
  void control('POST', 'faults', {
    on,
    kind,
    ...(times.value !== '' && { times: times.valueAsNumber }),
    ...(probability.value !== '' && { probability: probability.valueAsNumber }),
    ...(connection.value !== '' && { connectionId: connection.value }),
    ...(!delay.disabled && delay.value !== '' && { delayMs: delay.valueAsNumber }),
    ...(!route.disabled && route.value !== '' && { routeKey: route.value }),
  });
});

clear.addEventListener('click', () => void control('DELETE', 'faults'));

kill.addEventListener('click', () => void killEnvironments());

fault.addEventListener('change', fit);

async function killEnvironments(): Promise<void> {
  if (await control('DELETE', 'environments')) {
    tell('Every environment was killed. The next event starts a new one.');
  }
}

/** Enables only the fields of the chosen fault. */
function fit(): void {
  const [, kind] = fault.value.split(' ');
  delay.disabled = kind !== 'delayed' && kind !== 'killed';
  delay.required = kind === 'delayed';
  route.disabled = kind !== 'killed';
}

function choices([on, kinds]: [string, readonly string[]]): HTMLOptGroupElement {
  const options = kinds.map((kind) => make('option', { value: `${on} ${kind}` }, `${on}: ${kind}`));
  return make('optgroup', { label: on }, ...options);
}

function faultText({ on, kind, ...rest }: ControlState['faults'][number]): string {
  const { times, probability, connectionId, delayMs, routeKey } = rest as {
    [name: string]: string | number | undefined;
  };
  return [
    `${on}: ${kind}`,
    times === undefined ? [] : `${times} times`,
    probability === undefined ? [] : `probability ${probability}`,
    delayMs === undefined ? [] : `after ${delayMs} ms`,
    routeKey === undefined ? [] : `route ${routeKey}`,
    connectionId === undefined ? [] : `connection ${connectionId}`,
  ]
    .flat()
    .join(', ');
}
