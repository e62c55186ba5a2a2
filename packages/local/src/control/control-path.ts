/** Where the page and the control API are. No stage and no base path has an `@`. */
export const CONTROL_PATH = '/@gatecast/';

/** On every answer, so that the commands know whom they talk to. */
export const CONTROL_HEADER = 'x-gatecast-control';
