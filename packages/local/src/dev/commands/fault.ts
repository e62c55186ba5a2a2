import { faultKinds } from '../../gateway/fault-problem.js';
import type { Fault } from '../../gateway/faults.js';
import { parseFault } from '../control/request.js';
import { askGateway, portOf } from './ask-gateway.js';
import {
  CommandLineError,
  parseWords,
  withCommandLineErrors,
  withoutUnit,
} from './command-line.js';

const lines = Object.entries(faultKinds).map(
  ([on, kinds]) => `    ${nameOf(on).padEnd(10)} ${kinds.join(', ')}`,
);

export const faultUsage: string = `gatecast fault <post|disconnect|invocation> <kind> [options]
gatecast fault list
gatecast fault clear
  Adds a fault to a running "gatecast dev":

${lines.join('\n')}

  --times number        how often the fault happens (default: without limit)
  --probability number  probability, above 0 and up to 1 (default: 1)
  --connection id       on this connection only
  --delay duration      length of the delay, with "delayed"; time after the start, with "killed": 60ms or
                        2s, or a number of milliseconds
  --route key           invocations of this route only, with "killed"
  --port number         the port of "gatecast dev" (default: 3000)

Examples:
  gatecast fault post throttled --times 3
  gatecast fault invocation killed --route rooms.post --probability 0.2`;

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
    throw new CommandLineError(`There is no fault of "${on}". Use one of: ${names.join(', ')}.`);
  }
  const request = withCommandLineErrors(() =>
    parseFault({
      on: nameOf(on) === 'disconnect' ? '$disconnect' : on,
      kind,
      ...optional('times', number(values.times)),
      ...optional('probability', number(values.probability)),
      ...optional('connectionId', values.connection),
      ...optional('delayMs', number(withoutUnit(values.delay, 1))),
      ...optional('routeKey', values.route),
    }),
  );
  show(await ask(port, 'POST', request));
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

/** A shell would replace `$disconnect` as a variable, so it is written without the dollar sign. */
function nameOf(on: string): string {
  return on.replace('$', '');
}

/** Other text stays a string, so that the check of the fault shows it in its message. */
function number(text: string | undefined): number | string | undefined {
  return text === undefined || text.trim() === '' || Number.isNaN(Number(text))
    ? text
    : Number(text);
}

function optional(name: string, value: unknown): object {
  return value === undefined ? {} : { [name]: value };
}
