import { type OptionTypes, option } from '@gatecast/framework/adapter';

/** Behaviour of API Gateway that is not known outside of AWS. */
export interface Quirks {
  /**
   * Whether `$disconnect` events have the stage variables (row 1.32). No event from AWS is known that has
   * them, and none of a stage that has some.
   *
   * @default false
   */
  readonly stageVariablesInDisconnect?: boolean | undefined;
  /**
   * What a client gets instead of an answer of more than 128 KB: the frame `Internal server error`, or the
   * close code 1009 (row 5.27).
   *
   * @default 'error'
   */
  readonly largeAnswers?: 'error' | 'close' | undefined;
  /** Whether an answer with `isBase64Encoded` is decoded (row 5.28). @default false: it is sent as it is */
  readonly decodeAnswers?: boolean | undefined;
  /**
   * What a client gets of a post that is not UTF-8: its bytes, which most clients answer by closing the
   * connection with 1007, or text with U+FFFD for what is wrong (row 6.23).
   *
   * @default 'unchanged'
   */
  readonly invalidPosts?: 'unchanged' | 'replaced' | undefined;
  /**
   * How large all header values of a handshake may be together, in bytes. REST APIs take 10,240; for
   * WebSocket APIs no quota is documented (row 7.21).
   *
   * @default 10_240
   */
  readonly maxHeaderBytes?: number | undefined;
}

/** The values that each quirk takes. Node's own limit of a request's head is above that of the headers. */
export const quirkTypes: OptionTypes<Quirks> = {
  stageVariablesInDisconnect: option.flag,
  largeAnswers: option.oneOf('error', 'close'),
  decodeAnswers: option.flag,
  invalidPosts: option.oneOf('unchanged', 'replaced'),
  maxHeaderBytes: option.integer(1, 32_768),
};
