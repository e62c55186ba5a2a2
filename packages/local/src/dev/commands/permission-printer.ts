import type { Permissions, Refusal } from '../../iam/permissions.js';
import { refusalText } from '../../iam/refusal-text.js';
import { permissionsReport, type ReportedStatement } from '../control/permissions-report.js';
import { clockTime } from './event-line.js';

/** Prints a refused call, with the statement that would allow it: the first one of its kind. */
export function printRefusal(refusal: Refusal): void {
  if (refusal.isFirst) print(`${clockTime(Date.now())}  ${refusalText(refusal)}`);
}

/** Prints the statements that nothing used. Nothing, if no caller has a role. */
export function printUnused(permissions: Permissions): void {
  const report = permissionsReport(permissions);
  const { callers, idleRoles, unseenActions } = report;
  if (callers.length === 0) return;
  if (callers.every(({ calls }) => calls.length === 0)) {
    print('Nothing called anything that needs a permission.');
    return;
  }
  // A list of all that an idle role may do would say nothing.
  const idle = idleRoles.map((name) => `all of the role "${name}", which called nothing`);
  const invocations = report.unusedInvokePermissions.map(
    ({ source, sourceArn }) => `${source}${sourceArn === undefined ? '' : ` for ${sourceArn}`}`,
  );
  const lines = [...report.unused.map(lineOf), ...invocations, ...idle];
  print(lines.length === 0 ? 'Each permission was used.' : 'Permissions that nothing used:');
  for (const line of lines) print(`  ${line}`);
  if (unseenActions.length > 0) {
    print(`Not seen here, whether they are used or not: ${unseenActions.join(', ')}`);
  }
}

/** `all of Statement[0] of "Policies[0]" of "ChatRole": dynamodb:Scan on arn:…` */
function lineOf({ place, statement, parts }: ReportedStatement): string {
  if (parts) return `in ${place}: ${parts.join(', ')}`;
  const { Action, NotAction, Resource, NotResource } = statement;
  return `all of ${place}: ${listOf(Action, NotAction)} on ${listOf(Resource, NotResource)}`;
}

function listOf(items: string | readonly string[] = [], not?: string | readonly string[]): string {
  const list = [not ?? items].flat().join(', ');
  return not === undefined ? list : `all but ${list}`;
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
