import { StartError } from '../../start-error.js';

/** Makes the error for a mistake in a template, with a hint what to change. */
export function templateError(message: string, hint?: string): StartError {
  return new StartError('ERR_TEMPLATE_INVALID', message, hint);
}
