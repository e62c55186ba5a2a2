import { faultKinds, parseFault } from '../control/parse-fault.js';
import type { Fault } from '../faults.js';
import { askGateway, portOf } from './ask-gateway.js';
import { CommandLineError, parseWords, understood } from './command-line.js';

const lines = Object.entries(faultKinds).map(
  ([on, kinds]) => `    ${nameOf(on).padEnd(10)} ${kinds.join(', ')}`,
);

export const faultUsage: string = `gatecast fault <post|disconnect|invocation> <kind> [options]
gatecast fault list
gatecast fault clear
  Lets something go wrong in a running "gatecast dev":

${lines.join('\n')}

  --times number        how often, before it is over (default: without end)
  --probability number  how likely, above 0 and up to 1 (default: 1)
  --connection id       on this connection only
  --delay ms            for how long, with "delayed"; how long after its start, with "killed"
  --route key           invocations of this route only, with "killed"
  --port number         the port of "gatecast dev" (default: 3000)`;

const OPTIONS = ['times', 'probability', 'connection', 'delay', 'route', 'port'] as const;

/** `gatecast fault` */
export async function fault(args: readonly string[]): Promise<void> {
  const { words, values } = parseWords(args, OPTIONS);
  const [on, kind, ...others] = words;
  const isShort = on === 'list' || on === 'clear';
  if (on === undefined || others.length > 0 || (isShort && kind !== undefined)) {
    throw new CommandLineError('Write: gatecast fault post throttled, or fault list, fault clear');
  }
  const port = portOf(values.port);
  if (isShort) {
    show(await ask(port, on === 'list' ? 'GET' : 'DELETE'));
    return;
  }
  const names = Object.keys(faultKinds).map(nameOf);
  if (!names.includes(nameOf(on))) {
    throw new CommandLineError(`There is no fault of "${on}", only of ${names.join(', ')}.`);
  }
  const asked = understood(() =>
    parseFault({
      on: nameOf(on) === 'disconnect' ? '$disconnect' : on,
      kind,
      ...given('times', number(values.times)),
      ...given('probability', number(values.probability)),
      ...given('connectionId', values.connection),
      ...given('delayMs', number(values.delay)),
      ...given('routeKey', values.route),
    }),
  );
  show(await ask(port, 'POST', asked));
}

async function ask(
  port: number,
  method: 'GET' | 'POST' | 'DELETE',
  body?: Fault,
): Promise<readonly Fault[]> {
  const question = { method, path: 'faults', ...(body && { body }) };
  const { faults } = await askGateway<{ faults: readonly Fault[] }>(port, question);
  return faults;
}

function show(faults: readonly Fault[]): void {
  const texts = faults.map(
    ({ on, kind, ...rest }) =>
      `${[nameOf(on), kind, ...Object.entries(rest).map(([name, value]) => `${name}=${value}`)].join(' ')}\n`,
  );
  process.stdout.write(texts.length === 0 ? 'There are no faults.\n' : texts.join(''));
}

/** A shell would take `$disconnect` for one of its variables. */
function nameOf(on: string): string {
  return on.replace('$', '');
}

/** What is no number stays as it is, for the message that says so. */
function number(text: string | undefined): number | string | undefined {
  return text === undefined || text.trim() === '' || Number.isNaN(Number(text))
    ? text
    : Number(text);
}

function given(name: string, value: unknown): object {
  return value === undefined ? {} : { [name]: value };
}
