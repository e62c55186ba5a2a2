import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';

/**
 * One route of a manifest.
 *
 * @internal
 */
export interface _ManifestRoute {
  readonly routeKey: string;
  /** `mock`: API Gateway itself answers with `response`. */
  readonly integration: 'lambda' | 'mock';
  readonly twoWay: boolean;
  readonly response?: string;
}

/**
 * What the construct reads of a manifest. Other keys are ignored, because later releases may add some.
 *
 * @internal
 */
export interface _ManifestData {
  readonly routes: readonly _ManifestRoute[];
  readonly authorizer: boolean;
  readonly singleEnvironment: boolean;
  readonly store?: string;
  readonly origins?: readonly string[];
  readonly hasConnect?: boolean;
  readonly hasDisconnect?: boolean;
  readonly hasUnsubscribe?: boolean;
  readonly hasConnectHook?: boolean;
  readonly hasDisconnectHook?: boolean;
  readonly hasUnsubscribeHook?: boolean;
  readonly hasHistory?: boolean;
  readonly autoSubscribes?: boolean;
  readonly format?: 'cjs' | 'esm';
  readonly mainFields?: string;
  /** Packages that its bundle leaves out. */
  readonly external?: readonly string[];
  /** Source file of the app, relative to the manifest's folder. */
  readonly entry?: string;
}

const VERSION = 1;

/** Most routes that an API may have, by default (Amazon API Gateway quotas). */
const MOST_ROUTES = 300;

/**
 * What an app needs from its infrastructure: the output of `gatecast manifest`.
 *
 * If it is older than the app, new messages reach the app by `$default`, without metrics and throttling
 * of their own, and the function reports ERR_ROUTES_STALE. With direct writes it has to be current: an
 * `@OnConnect` that it does not know never runs.
 */
export class RouteManifest {
  /**
   * Reads a file that `gatecast manifest server/app.ts --out routes.json` wrote.
   *
   * @param path absolute, or relative to the current directory
   */
  public static fromFile(path: string): RouteManifest {
    const file = resolve(path);
    const source = {
      name: `"${path}"`,
      command: `npx gatecast manifest YOUR_APP.ts --out ${path}`,
    };
    let text: string;
    try {
      text = readFileSync(file, 'utf8');
    } catch (error) {
      throw new Error(
        `The manifest "${path}" cannot be read: ${(error as Error).message}. Write it: ${source.command}`,
        { cause: error },
      );
    }
    const data = parse(text, source);
    const { entry } = data;
    return new RouteManifest(
      data,
      source.name,
      typeof entry === 'string' ? resolve(dirname(file), entry) : undefined,
    );
  }

  /**
   * Runs `gatecast manifest` of `@gatecast/local`, which has to be installed beside the app.
   *
   * @param entry source file of the app, absolute or relative to the current directory
   */
  public static fromEntry(entry: string): RouteManifest {
    const file = resolve(entry);
    const name = `of "${entry}"`;
    const result = spawnSync(process.execPath, [commandFile(file, entry), 'manifest', file], {
      encoding: 'utf8',
      maxBuffer: 64 * 1024 * 1024,
    });
    const command = `npx gatecast manifest ${entry}`;
    if (result.status !== 0) {
      const reason = result.error?.message ?? result.stderr.trim();
      throw new Error(
        `The manifest ${name} could not be made. Try the command yourself: ${command}\n\n${reason}`,
      );
    }
    return new RouteManifest(parse(result.stdout, { name, command }), name, file);
  }

  /**
   * Takes a manifest that was read otherwise.
   *
   * @param manifest what `gatecast manifest` wrote: its text, or the parsed object
   */
  public static fromJson(manifest: unknown): RouteManifest {
    const text = typeof manifest === 'string' ? manifest : JSON.stringify(manifest);
    const name = 'given to RouteManifest.fromJson()';
    const command = 'npx gatecast manifest YOUR_APP.ts';
    return new RouteManifest(parse(text, { name, command }), name);
  }

  private constructor(
    /** @internal */
    public readonly _data: _ManifestData,
    /** @internal */
    public readonly _name: string,
    /**
     * The app's source file, if the manifest tells.
     *
     * @internal
     */
    public readonly _entryFile?: string,
  ) {}
}

/** The file of the command `gatecast`, found from the app. */
function commandFile(file: string, entry: string): string {
  const require = createRequire(file);
  for (const paths of [[dirname(file)], [process.cwd()]]) {
    try {
      const main = require.resolve('@gatecast/local', { paths });
      return join(dirname(main), '..', 'bin', 'gatecast.js');
    } catch {
      // The other place is tried.
    }
  }
  throw new Error(
    `The manifest of "${entry}" needs the command "gatecast", which is not installed. ` +
      'Install it: npm install --save-dev @gatecast/local',
  );
}

/** Where a manifest is from, for messages. */
interface Source {
  readonly name: string;
  /** The command that writes it. */
  readonly command: string;
}

type Fields = Readonly<Record<string, unknown>>;

function parse(text: string, source: Source): _ManifestData {
  const { name, command } = source;
  const data = fieldsOf(readJson(text, source));
  const { version, routes } = data;
  if (version !== VERSION) {
    throw new Error(
      `The manifest ${name} has the version ${JSON.stringify(version)}, and this construct reads version ` +
        `${VERSION}. Install @gatecast/local and @gatecast/cdk-construct of the same release, then: ${command}`,
    );
  }
  for (const flag of ['authorizer', 'singleEnvironment', 'hasHistory']) {
    if (data[flag] !== undefined && typeof data[flag] !== 'boolean') {
      throw unreadable(source, `has ${JSON.stringify(data[flag])} as "${flag}"`);
    }
  }
  if (!Array.isArray(routes)) throw unreadable(source, 'has no list of routes');
  checkRoutes(routes.map(fieldsOf), source);
  return data as unknown as _ManifestData;
}

function readJson(text: string, source: Source): unknown {
  try {
    // Some editors write a byte order mark.
    return JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    throw unreadable(source, `is not JSON: ${(error as Error).message}`, error);
  }
}

function checkRoutes(routes: readonly Fields[], source: Source): void {
  const keys = new Set<unknown>();
  for (const route of routes) {
    const { routeKey: key, twoWay, integration } = route;
    const isRoute =
      typeof key === 'string' &&
      typeof twoWay === 'boolean' &&
      (integration === 'lambda' || integration === 'mock');
    if (!isRoute) {
      throw unreadable(source, `has a route that cannot be read: ${JSON.stringify(route)}`);
    }
    if (keys.has(key)) throw unreadable(source, `has the route "${key}" twice`);
    keys.add(key);
  }
  const missing = ['$connect', '$disconnect', '$default'].find((key) => !keys.has(key));
  if (missing !== undefined) throw unreadable(source, `has no route "${missing}"`);
  if (routes.length > MOST_ROUTES) {
    throw new Error(
      `The manifest ${source.name} has ${routes.length} routes, and an API has at most ${MOST_ROUTES}. ` +
        'Leave "routes" out: all messages then reach the app by $default.',
    );
  }
}

function fieldsOf(value: unknown): Fields {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function unreadable({ name, command }: Source, reason: string, cause?: unknown): Error {
  return new Error(`The manifest ${name} ${reason}. Write it again: ${command}`, { cause });
}
