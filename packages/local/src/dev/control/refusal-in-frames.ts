import type { GatewayEvent } from '../../gateway/events.js';
import { parseJson } from '../../gateway/routes/json-path.js';

/** Codes of Gatecast's protocol for faults of the server; every other code is a refusal. */
const FAILURES: ReadonlySet<string> = new Set(['ERR_INTERNAL', 'ERR_TIMEOUT']);

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
  if (type === 'error') return resultOf(codeOf(error));
  const { channels } = record(data);
  if (type !== 'reply' || !Array.isArray(channels)) return undefined;
  const codes = channels.flatMap((outcome) => codeOf(record(outcome)['error']) ?? []);
  const result = resultOf(codes.find((code) => FAILURES.has(code)) ?? codes[0]);
  if (!result || channels.length === 1) return result;
  return { ...result, detail: `${result.detail}, ${codes.length} of ${channels.length} channels` };
}

function resultOf(code: string | undefined): Pick<GatewayEvent, 'result' | 'detail'> | undefined {
  return code === undefined
    ? undefined
    : { result: FAILURES.has(code) ? 'failed' : 'refused', detail: code };
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
