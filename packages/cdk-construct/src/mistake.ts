import type { IConstruct } from 'constructs';

/** Makes the error for a mistake of the construct's user, with a hint what to change. */
export function mistake(scope: IConstruct, message: string, hint: string): Error {
  return new Error(`GatecastApi "${scope.node.path}": ${message} ${hint}`);
}
