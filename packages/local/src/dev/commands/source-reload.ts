import type { StartGatewayOptions } from '../start-gateway.js';
import type { DevRun, DevSettings } from './dev-run.js';
import { clockTime } from './event-line.js';
import { stateOfFiles } from './project-files.js';
import type { SessionTemplate } from './session-file.js';

/** The options of `gatecast dev` that do not come from a template. */
export type OwnOptions = StartGatewayOptions & { readonly port: number };

/** Settings, and the text of the templates that they come from. */
export interface ReadSettings {
  readonly settings: DevSettings;
  readonly warnings: readonly string[];
  readonly text: string;
}

/** @throws StartError like `readTemplate`. */
export async function readSettings(
  source: SessionTemplate,
  own: OwnOptions,
): Promise<ReadSettings> {
  // Loaded here, because an entry file needs no reader of templates.
  const { readSource } = await import('./template-source.js');
  const { options, apiName, functionNames, warnings, text } = await readSource(source);
  const invokable = [...functionNames.values()]
    .filter(({ isUnrouted, isOfStack }) => isUnrouted && isOfStack)
    .map(({ label }) => label);
  const settings = { options: { ...options, ...own }, apiName, invokable, template: source };
  return { settings, warnings, text };
}

/** Prints what does not run. */
export function warn({ warnings }: Pick<ReadSettings, 'warnings'>): void {
  for (const warning of warnings) process.stderr.write(`Warning: ${warning}\n`);
}

/** How often files are looked at after a failure, in milliseconds. */
const RETRY_MS = 500;

interface Failure {
  /** The state of the files with which it failed. */
  readonly files: string;
  readonly message: string;
}

interface Watched {
  readonly source: SessionTemplate;
  readonly own: OwnOptions;
  /** The text of the templates that run. */
  readonly text: string;
  readonly run: DevRun;
}

/**
 * Replaces the gateway when its template or assembly has changed, until `stop` is called. If that fails, it tries
 * again when any file has changed: the template may name a source that is only written then.
 */
export class SourceReload {
  readonly #watched: Watched;
  #text: string;
  #reloading: Promise<void> = Promise.resolve();
  #isStopped = false;
  /** Whether nothing runs, because the gateway was closed for a new one that could not start. */
  #isDown = false;
  #failure: Failure | undefined;
  #retry: NodeJS.Timeout | undefined;
  #unwatch: () => void = () => {};

  constructor(watched: Watched) {
    this.#watched = watched;
    this.#text = watched.text;
    void this.#watch();
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#retry);
    this.#unwatch();
  }

  async #watch(): Promise<void> {
    const { watchSource } = await import('./template-source.js');
    if (this.#isStopped) return;
    this.#unwatch = watchSource(this.#watched.source, () => this.#next());
  }

  #next(): void {
    this.#reloading = this.#reloading.then(() => this.#reload());
  }

  async #reload(): Promise<void> {
    const { source, own, run } = this.#watched;
    const files = await stateOfFiles('.');
    let read: ReadSettings;
    try {
      read = await readSettings(source, own);
    } catch (error) {
      const message = `The template has changed, but it cannot run: ${(error as Error).message}`;
      this.#failed({ files, message });
      return;
    }
    const hasChanged = read.text !== this.#text;
    if (this.#isStopped || (!hasChanged && this.#failure?.files === files)) return;
    this.#failure = undefined;
    if (!hasChanged && !this.#isDown) return;
    warn(read);
    print(`${hasChanged ? 'The template' : 'A file'} has changed. Reloading …`);
    this.#text = read.text;
    this.#isDown = true;
    try {
      await run.replace(read.settings);
      this.#isDown = false;
    } catch (error) {
      const message = `Nothing runs until a file changes: ${(error as Error).message}`;
      this.#failed({ files, message });
    }
  }

  #failed(failure: Failure): void {
    if (this.#isStopped) return;
    const { files, message } = this.#failure ?? {};
    if (files !== failure.files || message !== failure.message) print(failure.message);
    this.#failure = failure;
    this.#retryAfterChange(failure.files);
  }

  /** Tries again once the files differ, and have stayed as they are since the last look. */
  #retryAfterChange(last: string): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#look(last), RETRY_MS);
  }

  async #look(last: string): Promise<void> {
    const files = await stateOfFiles('.');
    if (this.#isStopped || this.#failure === undefined) return;
    if (files === last && files !== this.#failure.files) this.#next();
    else this.#retryAfterChange(files);
  }
}

function print(line: string): void {
  process.stdout.write(`${clockTime(Date.now())}  ${line}\n`);
}
