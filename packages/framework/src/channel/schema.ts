import type { StandardSchemaV1 } from '@standard-schema/spec';
import { makeError } from '../errors/gatecast-error.js';

/** Whether a value is a Standard Schema, which may be an object or a function. */
export function isStandardSchema(value: unknown): value is StandardSchemaV1 {
  return (
    ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
    '~standard' in value
  );
}

/**
 * Throws if a value was meant to be a schema but is not one. Returns if it is an object of options.
 *
 * @throws ConfigurationError - ERR_SCHEMA_INVALID; ERR_SCHEMA_FIELDS, for an object of schemas.
 */
export function refuseSchema(given: unknown, label: string): void {
  if (typeof given !== 'object' || given === null) throw makeError('ERR_SCHEMA_INVALID', { label });
  const field = Object.entries(given).find(([, value]) => isStandardSchema(value))?.[0];
  if (field !== undefined) throw makeError('ERR_SCHEMA_FIELDS', { label, field });
}
