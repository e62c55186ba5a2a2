import type { StartGatewayOptions } from '../start-gateway.js';
import type { DevRun, DevSettings } from './dev-run.js';
import { clockTime } from './event-line.js';
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

interface Watched {
  readonly source: SessionTemplate;
  readonly own: OwnOptions;
  /** The text of the templates that run. */
  readonly text: string;
  readonly run: DevRun;
}

/** Replaces the gateway when its template or assembly has changed, until `stop` is called. */
export class SourceReload {
  readonly #watched: Watched;
  #text: string;
  #reloading: Promise<void> = Promise.resolve();
  #isStopped = false;
  #unwatch: () => void = () => {};

  constructor(watched: Watched) {
    this.#watched = watched;
    this.#text = watched.text;
    void this.#watch();
  }

  stop(): void {
    this.#isStopped = true;
    this.#unwatch();
  }

  async #watch(): Promise<void> {
    const { watchSource } = await import('./template-source.js');
    if (this.#isStopped) return;
    this.#unwatch = watchSource(this.#watched.source, () => {
      this.#reloading = this.#reloading.then(() => this.#reload());
    });
  }

  async #reload(): Promise<void> {
    const { source, own, run } = this.#watched;
    let read: ReadSettings;
    try {
      read = await readSettings(source, own);
    } catch (error) {
      print(`The template has changed, but it cannot run: ${(error as Error).message}`);
      return;
    }
    if (this.#isStopped || read.text === this.#text) return;
    warn(read);
    print('The template has changed. Reloading …');
    this.#text = read.text;
    try {
      await run.replace(read.settings);
    } catch (error) {
      print(`Nothing runs until the template changes again: ${(error as Error).message}`);
    }
  }
}

function print(line: string): void {
  process.stdout.write(`${clockTime(Date.now())}  ${line}\n`);
}
