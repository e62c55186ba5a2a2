import type { GatewayEvent } from '../../gateway/events.js';
import type { ReloadEvent } from '../../lambda/versions.js';
import type { StartGatewayOptions } from '../start-gateway.js';
import type { DevSettings } from './dev-run.js';
import { clockTime, eventLine } from './event-line.js';

/** Prints what happens to a function. */
export type Tell = (functionName: string, text: string) => void;

/** Names the function if there are several. */
export function reloadTeller({ entry, functions = {} }: StartGatewayOptions): Tell {
  const isSeveral = (entry === undefined ? 0 : 1) + Object.keys(functions).length > 1;
  return (functionName, text) =>
    print(`${clockTime(Date.now())}  ${isSeveral ? `${functionName} ` : ''}${text}`);
}

/** The options, with callbacks that print events and reloads. Events name their API if there are several. */
export function printing({ options, apiName }: DevSettings, tell: Tell): DevSettings['options'] {
  const { apis = {} } = options;
  const names = Object.keys(apis);
  const width = Math.max(0, ...[apiName ?? '', ...names].map((name) => name.length));
  const hasColors = process.stdout.isTTY && process.stdout.hasColors();
  let routeWidth = 12;
  const printer = (name: string) => (event: GatewayEvent) => {
    routeWidth = Math.max(routeWidth, event.route.length);
    const line = eventLine(event, { routeWidth, hasColors });
    print(names.length === 0 ? line : `${name.padEnd(width)}  ${line}`);
  };
  const further = Object.entries(apis).map(([name, api]) => [
    name,
    { ...api, onEvent: printer(name) },
  ]);
  return {
    ...options,
    ...(names.length > 0 && { apis: Object.fromEntries(further) }),
    onEvent: printer(apiName ?? ''),
    onReload: (event) => tell(event.functionName, reloadText(event)),
  };
}

function reloadText(event: ReloadEvent): string {
  if (event.type === 'failed') {
    return `not reloaded; the last good version keeps running.\n${event.error.message}`;
  }
  return event.closedConnections
    ? 'reloaded; its memory is empty again, so every connection was closed'
    : 'reloaded';
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
