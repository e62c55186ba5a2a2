import { readFile } from 'node:fs/promises';
import { parseManifest } from '../../lambda/route-manifest.js';
import type { StartGatewayOptions } from '../start-gateway.js';
import { type Entry, findEntry } from '../template/entry-file.js';
import { type Arguments, CommandLineError, withEntry } from './command-line.js';

type Handlers = Pick<StartGatewayOptions, 'entry' | 'handler' | 'functions' | 'routes'>;

type HandlerArguments = Arguments<'handler' | 'routes'>;

/**
 * The functions and routes that the entry, `--handler` and `--routes` name. The handler of a route becomes
 * a function of its own, as in a deployment.
 *
 * @throws CommandLineError that says what is wrong.
 * @throws StartError if a file of a handler is missing, or the file of the routes is not a manifest.
 */
export async function handlersOf(parsed: HandlerArguments): Promise<Handlers> {
  const { entry, values } = parsed;
  const { routes: list } = values;
  if (list === undefined) return mainOf(parsed);
  if (list.endsWith('.json')) {
    return { ...(await mainOf(parsed)), routes: await readRoutes(list) };
  }
  const routes = list.split(',').map(parseRoute);
  const names = [...new Set(routes.map((route) => route.function))];
  const handlers = names.filter((name) => name !== undefined);
  const functions = await Promise.all(
    handlers.map(async (name) => [name, await handlerOf(name, entry)] as const),
  );
  return {
    // Not needed if every route names a handler.
    ...(names.includes(undefined) && (await mainOf(parsed))),
    functions: functions.length === 0 ? undefined : Object.fromEntries(functions),
    routes,
  };
}

async function mainOf(parsed: HandlerArguments): Promise<Pick<Handlers, 'entry' | 'handler'>> {
  const { entry, values } = parsed;
  if (values.handler === undefined) return { entry: withEntry(parsed).entry };
  if (entry !== undefined && values.handler.includes('.')) {
    throw new CommandLineError(
      `--handler names a file, too: "${values.handler}". Leave out "${entry}", or pass only the name of its export.`,
    );
  }
  return handlerOf(values.handler, entry);
}

/** An export of the entry, or `FILE.EXPORT` as in Lambda, for which the source file is looked for. */
async function handlerOf(name: string, entry: string | undefined): Promise<Entry> {
  if (name.includes('.')) {
    return findEntry({ logicalId: name, folder: '.', handler: name, entryPoints: [] });
  }
  if (entry !== undefined) return { entry, handler: name };
  throw new CommandLineError(
    `The handler "${name}" names no file. Write FILE.EXPORT, such as src/app.${name}, or pass the entry file.`,
  );
}

function parseRoute(text: string): { routeKey: string; function: string | undefined } {
  const [, routeKey = '', handler] = /^([^=]*)(?:=(.*))?$/.exec(text.trim()) ?? [];
  if (routeKey === '' || handler === '') {
    throw new CommandLineError(
      `--routes takes KEY or KEY=HANDLER, joined by commas, not "${text}".`,
    );
  }
  return { routeKey, function: handler };
}

async function readRoutes(file: string): Promise<StartGatewayOptions['routes']> {
  const text = await readFile(file, 'utf8').catch(() => {
    throw new CommandLineError(`--routes names the file "${file}", which cannot be read.`);
  });
  return parseManifest(parseJson(text, file), `"${file}"`);
}

function parseJson(text: string, file: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new CommandLineError(`--routes names the file "${file}", which is not JSON.`);
  }
}
