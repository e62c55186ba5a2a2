import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ClientError } from '../errors/client-error.js';

// A list of empty objects costs a schema some thousand times what it costs to send. A frame of ordinary
// data has fewer; 2,000 take class-validator, the slowest, some 20 ms.
export const MAX_OBJECTS = 2_000;
const MAX_DETAILS = 20;
const MAX_TEXT_LENGTH = 200;

/**
 * What a schema makes of a client's data: at once where the schema answers at once, else a promise.
 *
 * @throws ClientError - ERR_VALIDATION, for data that does not fit, that has more than 2,000 objects and
 * lists, or at which the schema throws: that error is the cause, for the logs alone. A `ClientError`
 * of the schema's own goes through.
 */
export function validate(schema: StandardSchemaV1, data: unknown): unknown {
  if (hasTooManyObjects(data)) {
    throw refusal([{ path: '', message: `has more than ${MAX_OBJECTS} objects and lists` }]);
  }
  try {
    const result = schema['~standard'].validate(data);
    return 'then' in result ? result.then(valueOf).catch(refuse) : valueOf(result);
  } catch (error) {
    return refuse(error);
  }
}

function valueOf(result: StandardSchemaV1.Result<unknown>): unknown {
  if (!result.issues) return result.value;
  const { issues } = result;
  const details = issues.slice(0, MAX_DETAILS).map(({ path = [], message }) => ({
    path: cut(path.map((key) => String(typeof key === 'object' ? key.key : key)).join('.')),
    message: cut(message),
  }));
  const left = issues.length - details.length;
  throw refusal(left > 0 ? [...details, { path: '', message: `and ${left} more` }] : details);
}

function refuse(error: unknown): never {
  if (ClientError.is(error)) throw error;
  const isTooDeep = error instanceof RangeError && error.message.startsWith('Maximum call stack');
  const message = isTooDeep ? 'is nested too deeply' : 'could not be validated';
  throw refusal([{ path: '', message }], error);
}

function refusal(details: readonly object[], cause?: unknown): ClientError {
  return new ClientError('ERR_VALIDATION', 'The data does not fit the message.', {
    details,
    ...(cause !== undefined && { cause }),
  });
}

/** Without recursion: a client decides how deep its data is. */
function hasTooManyObjects(data: unknown): boolean {
  const pending = [data];
  let seen = 0;
  for (
    let value = pending.pop();
    value !== undefined || pending.length > 0;
    value = pending.pop()
  ) {
    if (typeof value !== 'object' || value === null) continue;
    seen += 1;
    for (const inner of Object.values(value)) {
      if (typeof inner === 'object' && inner !== null) pending.push(inner);
    }
    if (seen + pending.length > MAX_OBJECTS) return true;
  }
  return false;
}

function cut(text: string): string {
  return text.length > MAX_TEXT_LENGTH ? `${text.slice(0, MAX_TEXT_LENGTH)}…` : text;
}
