import type { StandardSchemaV1 } from '@standard-schema/spec';
import { ClientError } from '../errors/client-error.js';

// Validating a list of empty objects costs about a thousand times as much as sending it. Ordinary frames
// have fewer than 2,000 objects, which take class-validator, the slowest library, about 20 ms.
export const MAX_OBJECTS = 2_000;
const MAX_DETAILS = 20;
const MAX_TEXT_LENGTH = 200;

/**
 * Validates a client's data and returns the schema's output: a promise only if the schema is
 * asynchronous.
 *
 * @throws ClientError - ERR_VALIDATION, if the data does not fit or has more than 2,000 objects and
 * lists, or if the schema throws. The schema's error becomes the `cause`, for the logs only; a
 * `ClientError` of the schema is thrown as it is.
 */
export function validate(schema: StandardSchemaV1, data: unknown): unknown {
  if (hasTooManyObjects(data)) {
    throw refusal([{ path: '', message: `has more than ${MAX_OBJECTS} objects and lists` }]);
  }
  try {
    const result = schema['~standard'].validate(data);
    // A promise may come from another library or realm. The path of a message takes only Node's own for promises.
    return 'then' in result ? Promise.resolve(result).then(valueOf).catch(refuse) : valueOf(result);
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

/** Without recursion, because a client may send deeply nested data. */
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
