import { parseDuration } from '../control/request.js';
import { askGateway, portOf } from './ask-gateway.js';
import { CommandLineError, parseWords, withCommandLineErrors } from './command-line.js';

export const clockUsage = `gatecast clock advance <duration> [--port number]
  Moves the clock of a running "gatecast dev" forward: 500ms, 90s, 10m, 2h, 1d. Connections reach
  their time-outs.

  --port number         the port of "gatecast dev" (default: 3000)

Examples:
  gatecast clock advance 10m              every connection was idle for too long`;

/** `gatecast clock` */
export async function clock(args: readonly string[]): Promise<void> {
  const { words, values } = parseWords(args, ['port']);
  const [verb, by, ...others] = words;
  if (verb !== 'advance' || by === undefined || others.length > 0) {
    throw new CommandLineError('Write: gatecast clock advance 10m');
  }
  withCommandLineErrors(() => parseDuration(by));
  const port = portOf(values.port);
  const { clockAheadMs } = await askGateway<{ clockAheadMs: number }>(port, {
    method: 'POST',
    path: 'clock',
    body: { by },
  });
  process.stdout.write(`The clock is ${clockAheadMs / 1000} s ahead.\n`);
}
