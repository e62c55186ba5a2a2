import { StartError } from '../start-error.js';

/** What is wrong with a template, and what to change in it. */
export function templateError(message: string, hint?: string): StartError {
  return new StartError('ERR_TEMPLATE_INVALID', message, hint);
}
