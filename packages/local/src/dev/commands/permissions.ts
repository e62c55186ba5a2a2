import { StartError } from '../../start-error.js';
import type { PermissionsReport, ReportedCaller } from '../control/permissions-report.js';
import { askGateway, portOf } from './ask-gateway.js';
import { type Arguments, CommandLineError, parseArguments } from './command-line.js';

export const permissionsUsage = `gatecast permissions [--function name] [--port number]
  Prints the least IAM policy for what each function of a running "gatecast dev" has called, as JSON by
  function name. Functions have a role with --template and --assembly; without one nothing is recorded.

  --function name       print only the policy of this function
  --port number         the port of "gatecast dev" (default: 3000)

Examples:
  gatecast permissions
  gatecast permissions --function ChatFunction > policy.json`;

/** `gatecast permissions` */
export async function permissions(args: readonly string[]): Promise<void> {
  const { entry, values }: Arguments<'port' | 'function'> = parseArguments(args, [
    'port',
    'function',
  ]);
  if (entry !== undefined) {
    throw new CommandLineError(`"gatecast permissions" does not take "${entry}".`);
  }
  const port = portOf(values.port);
  const { callers } = await askGateway<PermissionsReport>(port, {
    method: 'GET',
    path: 'permissions',
  });
  const chosen = callersNamed(callers, values.function);
  const policies = Object.fromEntries(
    chosen.flatMap(({ name, policy }) => (policy ? [[name, policy]] : [])),
  );
  const { function: name } = values;
  if (name !== undefined && policies[name] === undefined) {
    throw new StartError(
      'ERR_REFUSED',
      `There is no policy for "${name}" yet: it has called nothing that could be allowed.`,
      'Use the API so that the function calls something, and run this again.',
    );
  }
  for (const caller of chosen) tell(caller);
  const printed = name === undefined ? policies : policies[name];
  process.stdout.write(`${JSON.stringify(printed, null, 2)}\n`);
}

/** @throws StartError `ERR_FUNCTION_UNKNOWN` if there is none. */
function callersNamed(
  callers: readonly ReportedCaller[],
  name: string | undefined,
): readonly ReportedCaller[] {
  if (callers.length === 0) {
    throw new StartError(
      'ERR_FUNCTION_UNKNOWN',
      'No function of this gateway has a role, so each may call everything, and nothing is recorded.',
      'Run "gatecast dev" with --template or --assembly, which have the roles.',
    );
  }
  const found = callers.filter((caller) => name === undefined || caller.name === name);
  if (found.length > 0) return found;
  throw new StartError(
    'ERR_FUNCTION_UNKNOWN',
    `There is no function "${name}" with a role.`,
    `Pass one of: ${callers.map((caller) => caller.name).join(', ')}.`,
  );
}

/** Says on standard error what the policy of a function cannot have. */
function tell({ name, calls, policy }: ReportedCaller): void {
  if (policy === undefined) {
    process.stderr.write(`"${name}" called nothing yet that could be allowed.\n`);
    return;
  }
  const refused = calls.filter(({ refusal }) => refusal !== undefined).length;
  if (refused === 0) return;
  const what = refused === 1 ? 'One call was' : `${refused} different calls were`;
  process.stderr.write(
    `${what} refused to "${name}", so what it would have called next may be missing. Allow what was ` +
      'refused, use the API again, and run this again.\n',
  );
}
