/**
 * Path of the page and the control API. It cannot clash with a stage or a base path, because these cannot
 * contain an `@`.
 */
export const CONTROL_PATH = '/@gatecast/';

/** Header of every answer, by which the commands recognise the gateway. */
export const CONTROL_HEADER = 'x-gatecast-control';
