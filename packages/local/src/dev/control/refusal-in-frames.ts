import type { GatewayEvent } from '../../gateway/events.js';
import { parseJson } from '../../gateway/routes/json-path.js';

/** Codes of Gatecast's protocol for faults of the server; every other code is a refusal. */
const FAILURES: ReadonlySet<string> = new Set(['ERR_INTERNAL', 'ERR_TIMEOUT']);
/** Codes whose message is Gatecast's own and names what does not exist. */
const NAMING: ReadonlySet<string> = new Set([
  'ERR_ACTION_UNKNOWN',
  'ERR_CHANNEL_UNKNOWN',
  'ERR_CHANNEL_NAME',
]);

/**
 * The result of an event whose answer is an error of Gatecast's protocol, or a reply about channels with
 * such an error; `undefined` for any other answer. For API Gateway both are an answer like any other.
 */
export function refusalInFrames(
  frames: readonly string[] = [],
): Pick<GatewayEvent, 'result' | 'detail'> | undefined {
  // Most answers need not be parsed.
  const frame = frames.find((text) => text.includes('"error"'));
  if (frame === undefined) return undefined;
  const { type, error, data } = record(parseJson(frame));
  if (type === 'error') return resultOf(codeOf(error), error);
  const { channels } = record(data);
  if (type !== 'reply' || !Array.isArray(channels)) return undefined;
  const errors = channels.map((outcome) => record(outcome)['error']);
  const codes = errors.flatMap((each) => codeOf(each) ?? []);
  const shown = codes.find((code) => FAILURES.has(code)) ?? codes[0];
  const result = resultOf(shown, errors.length === 1 ? errors[0] : undefined);
  if (!result || channels.length === 1) return result;
  return { ...result, detail: `${result.detail}, ${codes.length} of ${channels.length} channels` };
}

function resultOf(
  code: string | undefined,
  error: unknown,
): Pick<GatewayEvent, 'result' | 'detail'> | undefined {
  if (code === undefined) return undefined;
  const what = nameOf(code, record(error));
  return {
    result: FAILURES.has(code) ? 'failed' : 'refused',
    detail: what === '' ? code : `${code}: ${what}`,
  };
}

/** What the error is about, in names alone: a schema's messages may quote the data. */
function nameOf(code: string, { message, details }: Readonly<Record<string, unknown>>): string {
  if (NAMING.has(code)) return String(message).slice(0, 400);
  if (code !== 'ERR_VALIDATION' || !Array.isArray(details)) return '';
  const paths = details.map((issue) => record(issue)['path']);
  const isName = (path: unknown): boolean => typeof path === 'string' && /^[\w.]{1,80}$/.test(path);
  return [...new Set(paths)].filter(isName).join(', ');
}

/** The code of an error of the protocol, which always has a message, too. */
function codeOf(value: unknown): string | undefined {
  const { code, message } = record(value);
  return typeof code === 'string' && typeof message === 'string' ? code.slice(0, 80) : undefined;
}

/** The value if it is an object, else one without keys. */
export function record(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
