import { type OptionType, type OptionTypes, option } from '@gatecast/framework/adapter';

/**
 * Behaviour of API Gateway that is not known for certain, or that gets in the way on a laptop, and so is
 * off by default.
 */
export interface Quirks {
  /**
   * Handle the messages of a connection one after the other. AWS does not promise an order; according to
   * one report, API Gateway works this way (row 5.11).
   *
   * @default false
   */
  readonly serial?: boolean | undefined;
  /**
   * Whether a ping of the client resets the idle time-out. It is not known whether it does on AWS (row
   * 5.19). @default false
   */
  readonly pingsResetIdle?: boolean | undefined;
  /** The reason in `$disconnect` with 1006, for a connection that broke (row 1.28). @default '' */
  readonly droppedReason?: string | undefined;
  /**
   * Negotiate permessage-deflate (row 3.13). Frames are then measured compressed, so the 32 KB limit is
   * hard to test.
   *
   * @default false
   */
  readonly compression?: boolean | undefined;
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

const string: OptionType = {
  takes: 'a string',
  fits: (value) => typeof value === 'string',
};

/** The values that each quirk takes. Node's own limit of a request's head is above that of the headers. */
export const quirkTypes: OptionTypes<Quirks> = {
  serial: option.flag,
  pingsResetIdle: option.flag,
  droppedReason: string,
  compression: option.flag,
  stageVariablesInDisconnect: option.flag,
  largeAnswers: option.oneOf('error', 'close'),
  decodeAnswers: option.flag,
  invalidPosts: option.oneOf('unchanged', 'replaced'),
  maxHeaderBytes: option.integer(1, 32_768),
};
