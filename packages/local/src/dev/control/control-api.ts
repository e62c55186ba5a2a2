import type { IncomingMessage } from 'node:http';
import { fileURLToPath } from 'node:url';
import type { Api, Extension } from '../../gateway/api.js';
import { answer, type Exchange } from '../../gateway/http/answer.js';
import { readBody } from '../../gateway/http/read-body.js';
import { serveFile } from '../../gateway/http/static-files.js';
import { decoded } from '../../gateway/http/unknown-route.js';
import type { Connection } from '../../gateway/websocket/connection.js';
import { admit } from './admission.js';
import { channelsAfter } from './channels-after.js';
import { streamEvents } from './event-stream.js';
import { Journal, postEntry } from './journal.js';
import { operations } from './operations.js';
import { refusalInFrames } from './refusal-in-frames.js';
import { RequestError } from './request.js';
import type { Controlled, ControlledFunctions } from './state.js';

/**
 * Path of the page and the control API. It cannot clash with a stage or a base path, because these cannot
 * contain an `@`.
 */
export const CONTROL_PATH = '/@gatecast/';

/** Header of every answer, by which the commands recognise the gateway. */
export const CONTROL_HEADER = 'x-gatecast-control';

/** Enough for the largest frame, even if every character is escaped. */
const MAX_BODY_BYTES = 1024 * 1024;

// The path is the same from `src` and from `dist`.
const PAGE_DIRECTORY = fileURLToPath(new URL('../../../page/', import.meta.url));
const SCRIPT_DIRECTORY = fileURLToPath(new URL('../../../dist/page/', import.meta.url));

// The page shows input of clients, which must never run as code. No other page may embed this one.
const CONTENT_SECURITY_POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; " +
  "connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/** The control API of a gateway. `functions` are those that it may end. */
export function controlApi(api: Api, functions: ControlledFunctions | undefined): Extension {
  const journal = new Journal();
  const channels = new WeakMap<Connection, ReadonlySet<string>>();
  const controlled = { api, functions, journal, channels };
  return {
    path: CONTROL_PATH,
    answer: (pathname, exchange) => answerControl(controlled, pathname, exchange),
    onEvent(event, traffic) {
      const connection = api.connections.get(event.connectionId);
      if (connection) {
        channels.set(connection, channelsAfter(channels.get(connection) ?? new Set(), traffic));
      }
      const refusal = event.result === 'ok' ? refusalInFrames(traffic.frames) : undefined;
      const reported = { ...event, ...refusal };
      journal.record({ ...reported, ...traffic });
      return reported;
    },
    onPost: (post) => journal.record(postEntry(post)),
  };
}

/** Answers a request below {@link CONTROL_PATH}: the page, the event stream or an operation. */
async function answerControl(
  controlled: Controlled,
  pathname: string,
  exchange: Exchange,
): Promise<void> {
  const { request, response } = exchange;
  response.setHeader(CONTROL_HEADER, '1');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  try {
    admit(request, controlled.api.details.domainName);
    const { method = '' } = request;
    const path = pathname.slice(CONTROL_PATH.length);
    if (method === 'GET' && path === 'events') {
      streamEvents(controlled, response);
      return;
    }
    const [, id] = /^connections\/([^/]+)$/.exec(path) ?? [];
    const name = `${method} ${id === undefined ? path : 'connections/ID'}`;
    const operation = operations.get(name);
    if (operation) {
      const body = method === 'POST' ? await readJson(request) : {};
      const call = { ...controlled, connectionId: decoded(id ?? ''), body };
      answer(response, 200, await operation(call));
      return;
    }
    if (method === 'GET' || method === 'HEAD') {
      response.setHeader('Content-Security-Policy', CONTENT_SECURITY_POLICY);
      if (await serveFile(PAGE_DIRECTORY, `/${path}`, exchange)) return;
      if (await serveFile(SCRIPT_DIRECTORY, `/${path}`, exchange)) return;
    }
    throw new RequestError(404, `There is no ${method} ${pathname}.`);
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    answer(response, error.status, { message: error.message });
  }
}

async function readJson(request: IncomingMessage): Promise<Record<string, unknown>> {
  const read = await readBody(request, MAX_BODY_BYTES);
  if (read.type === 'cut off') throw new RequestError(400, 'The request was cut off.');
  if (read.type === 'too large') {
    throw new RequestError(413, `The body has ${read.bytes} bytes, more than ${MAX_BODY_BYTES}.`);
  }
  const value = parsed(read.body.toString());
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new RequestError(400, 'The body must be a JSON object.');
  }
  return value as Record<string, unknown>;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RequestError(400, 'The body is not JSON.');
  }
}
