/**
 * A plugin that logs each event as one line of JSON.
 *
 * @module @gatecast/framework/plugins/logger
 */

import { checkOptions, option, reasonOf } from '../errors/check-options.js';
import { ClientError } from '../errors/client-error.js';
import { GatecastError } from '../errors/gatecast-error.js';
import { definePlugin, type ErrorContext, type Plugin } from '../invocation/plugin.js';
import type { Connection } from '../wire/connection.js';
import type { WebSocketEvent } from '../wire/lambda-events.js';

/** Most characters of a text that comes from a client or from code that handles its secrets. */
const MOST_QUOTED = 80;
const MOST_REASON = 200;
const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** What to log: `info`, every event; `warn`, refusals and failures; `error`, only failures. */
export type LogLevel = (typeof LEVELS)[number];

/** Options of {@link logger}. */
export interface LoggerOptions {
  /**
   * @default the environment variable `GATECAST_LOG_LEVEL`; otherwise `AWS_LAMBDA_LOG_LEVEL`, which
   * Lambda sets from the function's logging settings; otherwise 'info'
   */
  readonly level?: LogLevel;
  /** Writes a line. @default console.log, console.warn and console.error by level */
  readonly write?: (level: LogLevel, line: string) => void;
}

/**
 * Logs one line of JSON for each successful event, and one for each kind of error: `level`, `time`,
 * `route`, `outcome`, `connectionId`, `requestId`, `durationMs`, the error if there was one, and its
 * `count` if several channels of one frame had it. A refusal has no stack. It never logs a token, a
 * header or the body of a message. A refusal may quote up to 80 characters of a channel's name or an
 * action as the client sent them. If the function's log format is JSON, the line is the `message` of
 * Lambda's own line.
 *
 * @example
 * ```ts
 * createApp({ channels, store, plugins: [logger({ level: 'warn' })] });
 * ```
 *
 * @throws ConfigurationError - ERR_OPTION_UNKNOWN, ERR_OPTION_VALUE.
 */
export function logger(options: LoggerOptions = {}): Plugin {
  checkOptions('logger()', options, { level: option.oneOf(...LEVELS), write: option.callback });
  const { level = levelOfEnvironment(), write } = options;
  const log = (at: LogLevel, fields: object): void => {
    if (LEVELS.indexOf(at) < LEVELS.indexOf(level)) return;
    const record = { level: at.toUpperCase(), time: new Date().toISOString(), ...fields };
    if (write === undefined) writeToConsole(at, record);
    else write(at, JSON.stringify(record));
  };
  const timed = async (ctx: Logged, next: () => Promise<void>): Promise<void> => {
    const start = performance.now();
    await next();
    const { event, connection, action, route = action?.slice(0, MOST_QUOTED) } = ctx;
    const { connectionId, requestId } = event.requestContext;
    log('info', {
      route,
      outcome: 'ok',
      connectionId,
      ...(connection?.userId !== undefined && { userId: connection.userId }),
      requestId,
      durationMs: Math.round((performance.now() - start) * 100) / 100,
    });
  };
  return definePlugin({
    name: 'logger',
    observesOnly: true,
    onConnect: timed,
    onFrame: timed,
    onDisconnect: timed,
    onError: (error, ctx) => logError(error, ctx, log),
  });
}

/** The common part of the contexts of a connect, a frame and a disconnect. */
interface Logged {
  readonly event: WebSocketEvent;
  readonly connection: Connection | undefined;
  readonly route?: string | undefined;
  readonly action?: string | undefined;
}

function logError(
  error: unknown,
  ctx: ErrorContext,
  log: (level: LogLevel, fields: object) => void,
): void {
  if (ClientError.is(error)) {
    const { code, message, cause } = error;
    const reason = cause instanceof Error ? firstLine(cause.message) : undefined;
    const refusal = { code, message, ...(reason !== undefined && { reason }) };
    log('warn', { ...ctx, outcome: 'refused', error: refusal });
    return;
  }
  log('error', { ...ctx, outcome: 'failed', error: describe(error) });
}

function firstLine(text: string): string {
  const [line = ''] = text.split('\n');
  return line.slice(0, MOST_REASON);
}

function describe(error: unknown): object {
  if (error instanceof GatecastError) return error.toJSON();
  if (!(error instanceof Error)) return { message: reasonOf(error) };
  const { name, message, stack, cause, code } = error as Error & { readonly code?: unknown };
  return {
    name,
    ...(typeof code === 'string' && { code }),
    message,
    stack,
    ...(cause instanceof Error && { cause: cause.stack }),
  };
}

function levelOfEnvironment(): LogLevel {
  const { GATECAST_LOG_LEVEL, AWS_LAMBDA_LOG_LEVEL } = process.env;
  const given = (GATECAST_LOG_LEVEL ?? AWS_LAMBDA_LOG_LEVEL)?.toLowerCase();
  if (given === 'fatal') return 'error';
  return LEVELS.find((level) => level === given) ?? (given === 'trace' ? 'debug' : 'info');
}

function writeToConsole(level: LogLevel, record: object): void {
  // In its JSON format, Lambda makes the line. A text would be one string in it, without fields to filter.
  const isJson = process.env['AWS_LAMBDA_LOG_FORMAT'] === 'JSON';
  // oxlint-disable-next-line no-console -- Lambda logs what is written to the console.
  console[level](isJson ? record : JSON.stringify(record));
}
