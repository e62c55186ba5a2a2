import { readFile } from 'node:fs/promises';
import { clockTime, eventLine } from '../event-line.js';
import { parseManifest } from '../route-manifest.js';
import type { ReloadEvent } from '../running-function.js';
import type { StartGatewayOptions } from '../start-gateway.js';
import { CommandLineError, parseCommandLine, wholeNumber } from './command-line.js';

export const devUsage = `gatecast dev <entry> [options]
  Runs a Lambda function behind a local API Gateway and takes over changes of its source.

  --port number         port to listen on, 0 for any that is free (default: 3000)
  --stage name          stage of the API (default: dev)
  --static folder       also serve the files of a folder
  --routes list         route keys, joined by commas, or a .json file that "gatecast manifest" wrote
                        (default: those of the export "app")
  --environments number invocations that may run at once (default: 10; 1 with the memory store)
  --timeout seconds     how long one invocation may take (default: 29)`;

/** `gatecast dev`: resolves after SIGINT or SIGTERM, when all is closed. */
export async function dev(args: readonly string[]): Promise<void> {
  const { entry, values } = parseCommandLine(args, [
    'port',
    'stage',
    'static',
    'routes',
    'environments',
    'timeout',
  ]);
  const timeoutSeconds = wholeNumber(values.timeout, { option: '--timeout', least: 1 });
  // Before anything is opened, so that a signal during the start closes what has been opened.
  const stopped = stopSignal();
  // Here, because no other command needs the gateway, which takes a while to load.
  const { startGateway } = await import('../start-gateway.js');
  let routeWidth = 12;
  await using gateway = await startGateway({
    entry,
    port: wholeNumber(values.port, { option: '--port', least: 0 }) ?? 3000,
    stage: values.stage,
    staticDirectory: values.static,
    routes: values.routes === undefined ? undefined : await readRoutes(values.routes),
    maxEnvironments: wholeNumber(values.environments, { option: '--environments', least: 1 }),
    timeoutMs: timeoutSeconds === undefined ? undefined : timeoutSeconds * 1000,
    watch: true,
    onEvent(event) {
      routeWidth = Math.max(routeWidth, event.route.length);
      print(eventLine(event, routeWidth));
    },
    onReload: (event) => print(`${clockTime(Date.now())}  ${reloadText(event)}`),
  });
  if (values.static !== undefined) {
    print(`Page       http://localhost:${gateway.port}/`);
  }
  print(`WebSocket  ${gateway.url}\n`);
  await stopped;
}

function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    // Once each: the second one ends a process that does not come to its end.
    process.once('SIGINT', () => resolve());
    process.once('SIGTERM', () => resolve());
  });
}

async function readRoutes(list: string): Promise<StartGatewayOptions['routes']> {
  if (!list.endsWith('.json')) {
    return list.split(',').map((routeKey) => routeKey.trim());
  }
  const text = await readFile(list, 'utf8').catch(() => {
    throw new CommandLineError(`--routes names the file "${list}", which cannot be read.`);
  });
  return parseManifest(parseJson(text, list), `"${list}"`);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandLineError(`--routes names the file "${file}", which is not JSON.`);
  }
}

function reloadText(event: ReloadEvent): string {
  if (event.type === 'failed') {
    return `not reloaded; the last good version goes on.\n${event.error.message}`;
  }
  return event.closedConnections
    ? 'reloaded; its memory is empty again, so every connection was closed'
    : 'reloaded';
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
