import { option } from '@gatecast/framework/adapter';
import { StartError } from '../../start-error.js';
import { CONTROL_HEADER, CONTROL_PATH } from '../control/control-api.js';
import { wholeNumber } from './command-line.js';
import { readSession, type Session, sessionPorts } from './session-file.js';

interface ControlRequest {
  readonly method: 'GET' | 'POST' | 'DELETE';
  /** Path below `/@gatecast/`. */
  readonly path: string;
  readonly body?: object;
}

/** How long the program on the port may take to answer, in milliseconds: it may be any program. */
const ANSWER_TIME_MS = 10_000;

/** Reads `--port`. @throws CommandLineError if it is not a port. */
export function portOf(value: string | undefined): number {
  return wholeNumber(value, '--port', option.integer(1, 65_535)) ?? 3000;
}

/**
 * Sends a request to the control API of a running `gatecast dev`, and resolves to the answer.
 *
 * @throws StartError `ERR_GATEWAY_NOT_FOUND` if it does not run on that port; `ERR_REFUSED` with its
 * message if it refuses.
 */
export async function askGateway<T>(
  port: number,
  { method, path, body }: ControlRequest,
): Promise<T> {
  const url = `http://${await addressOf(port)}:${port}${CONTROL_PATH}${path}`;
  const headers = { 'Content-Type': 'application/json' };
  const signal = AbortSignal.timeout(ANSWER_TIME_MS);
  const init = { method, headers, signal, ...(body && { body: JSON.stringify(body) }) };
  const response = await fetch(url, init).catch(async (error: Error) => {
    if (signal.aborted) throw await notFound(`The program on port ${port} does not answer.`);
    const cause = error.cause as NodeJS.ErrnoException | undefined;
    throw await notFound(
      cause?.code === 'ECONNREFUSED'
        ? `Nothing listens on port ${port}.`
        : `Port ${port} could not be reached: ${cause?.message ?? error.message}.`,
    );
  });
  if (!response.headers.has(CONTROL_HEADER)) {
    throw await notFound(`The program on port ${port} is not "gatecast dev".`);
  }
  const answer = (await response.json()) as T & { readonly message?: string };
  if (response.ok) {
    return answer;
  }
  throw new StartError('ERR_REFUSED', answer.message ?? `It answered ${response.status}.`);
}

/** The address that a gateway of this folder listens on; for any other, the one that all have by default. */
async function addressOf(port: number): Promise<string> {
  const url = (await readSession(port))?.environment['GATECAST_URL'] ?? 'ws://localhost';
  const { hostname } = new URL(url);
  return hostname === 'localhost' ? '127.0.0.1' : hostname;
}

/**
 * The session of a `gatecast dev` that runs on the port and was started in this folder.
 *
 * @throws StartError `ERR_GATEWAY_NOT_FOUND` if there is none.
 */
export async function runningSession(port: number): Promise<Session> {
  const { pid } = await askGateway<{ pid: number }>(port, { method: 'GET', path: 'state' });
  const session = await readSession(port);
  // The file of a gateway that was killed is still there.
  if (session?.pid === pid) return session;
  // The port is open while functions are still being loaded; the file follows.
  throw new StartError(
    'ERR_GATEWAY_NOT_FOUND',
    `The "gatecast dev" on port ${port} was not started in this folder, or is still starting.`,
    'Run this command when it has printed its address, in the folder in which it was started, where ".gatecast" is.',
  );
}

async function notFound(message: string): Promise<StartError> {
  // Some may be of gateways that were killed.
  const ports = await sessionPorts();
  const hint =
    ports.length === 0
      ? 'Start "gatecast dev" first, or pass the port that it printed with --port.'
      : `In this folder, "gatecast dev" was started with: ${ports.map((port) => `--port ${port}`).join(', ')}.`;
  return new StartError('ERR_GATEWAY_NOT_FOUND', message, hint);
}
