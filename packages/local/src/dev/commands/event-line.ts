import { styleText } from 'node:util';
import type { GatewayEvent } from '../../gateway/events.js';

const CONNECTION_ID_LENGTH = 16;
const LONGEST_RESULT = 'timed out'.length;

// The caller knows whether there are colours, and styleText() would ask again.
const FORCED = { validateStream: false } as const;

interface LineOptions {
  /** How wide the column of route keys is. */
  readonly routeWidth: number;
  /** Whether the result is green or red. */
  readonly hasColors: boolean;
}

/** Describes the result of an event in one line: `12:04:31.221 rooms.post PJqB0fHsqRcCHlw= ok 3 ms`. */
export function eventLine(event: GatewayEvent, { routeWidth, hasColors }: LineOptions): string {
  const { time, route, connectionId, result, durationMs, detail, coldStartMs } = event;
  const padded = result.padEnd(LONGEST_RESULT);
  const columns = [
    clockTime(time),
    route.padEnd(routeWidth),
    connectionId.padEnd(CONNECTION_ID_LENGTH),
    hasColors ? styleText(result === 'ok' ? 'green' : 'red', padded, FORCED) : padded,
    `${Math.round(durationMs)} ms`.padStart(8),
    inOneLine(detail),
    coldStartMs === undefined ? '' : `cold start ${Math.round(coldStartMs)} ms`,
  ];
  return columns.join('  ').trimEnd();
}

/** A message may have something of a client in it, which must not control the terminal. */
function inOneLine(text: string): string {
  const parts = text.split(/\p{Cc}/u).map((part) => part.trim());
  return parts.filter((part) => part !== '').join(' ');
}

/** The local time of day, to the millisecond. */
export function clockTime(timeMs: number): string {
  const date = new Date(timeMs);
  const [hours, minutes, seconds] = [date.getHours(), date.getMinutes(), date.getSeconds()].map(
    (part) => String(part).padStart(2, '0'),
  );
  return `${hours}:${minutes}:${seconds}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}
