import { faultProblem } from '../../gateway/fault-problem.js';
import type { Fault } from '../../gateway/faults.js';
import { RequestError } from './admission.js';

/**
 * Parses a fault from the command line or a request.
 *
 * @throws RequestError with the problem and the allowed values.
 */
export function parseFault(value: unknown): Fault {
  const problem = faultProblem(value);
  if (problem !== undefined) throw new RequestError(400, problem);
  return value as Fault;
}
