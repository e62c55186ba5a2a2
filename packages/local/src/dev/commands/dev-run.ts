import { StartError } from '../../start-error.js';
import { CONTROL_PATH } from '../control/control-api.js';
import type { RunningGateway } from '../running-gateway.js';
import type { LocalApi, LocalGateway, StartGatewayOptions } from '../start-gateway.js';
import { runningSession } from './ask-gateway.js';
import { printing, reloadTeller } from './event-printer.js';
import { printRefusal, printUnused } from './permission-printer.js';
import { readSession, removeSession, type SessionTemplate, writeSession } from './session-file.js';

/** How long running events may take after a signal, so that the command ends within about a second. */
const CLOSE_GRACE_MS = 800;

/** Everything that `gatecast dev` runs. */
export interface DevSettings {
  readonly options: StartGatewayOptions & { readonly port: number };
  /** The name of the first API, if a template has it. */
  readonly apiName: string | undefined;
  /** Functions that only `gatecast invoke` runs. */
  readonly invokable: readonly string[];
  /** What the settings were read from. @default an entry file */
  readonly template: SessionTemplate | undefined;
}

interface PrintedApi {
  readonly name: string | undefined;
  readonly api: LocalApi;
}

/** The gateway of `gatecast dev`, which a changed template replaces. */
export class DevRun {
  #settings: DevSettings;
  #running: RunningGateway | undefined;
  #ports: readonly number[] = [];
  #isClosed = false;

  constructor(settings: DevSettings) {
    this.#settings = settings;
  }

  /** Starts the gateway and prints its addresses. @throws StartError after closing what was opened. */
  async start(): Promise<void> {
    const { options } = this.#settings;
    // Loaded here, because the gateway takes a while to load and no other command needs it.
    const { prepareGateway } = await import('../start-gateway.js');
    if (this.#isClosed) return;
    const tell = reloadTeller(options);
    const running = prepareGateway(printing(this.#settings, tell), {
      onReloading: (name) => tell(name, 'Reloading …'),
    });
    this.#running = running;
    running.permissions.onRefusal(printRefusal);
    const gateway = await running.start().catch(async (error: unknown) => {
      await running.close(CLOSE_GRACE_MS);
      throw await explained(error, options.port);
    });
    const apis = this.#apisOf(gateway);
    this.#ports = apis.map(({ api }) => api.port);
    for (const { api } of apis) await this.#keepSession(api, apis);
    this.#print(apis);
  }

  /** Replaces the gateway by one with other settings, on the same ports. @throws StartError */
  async replace(settings: DevSettings): Promise<void> {
    const [port = settings.options.port, ...others] = this.#ports;
    await this.#end();
    const apis = Object.entries(settings.options.apis ?? {}).map(([name, api], index) => [
      name,
      { port: others[index], ...api },
    ]);
    const placed = apis.length > 0 ? { apis: Object.fromEntries(apis) } : {};
    this.#settings = { ...settings, options: { ...settings.options, port, ...placed } };
    if (!this.#isClosed) await this.start();
  }

  /** Prints the permissions that nothing used, also during the end. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#end();
    if (this.#running) printUnused(this.#running.permissions);
  }

  async #end(): Promise<void> {
    await Promise.all(this.#ports.map(removeSession));
    await this.#running?.close(CLOSE_GRACE_MS);
  }

  #apisOf({ apis, ...first }: LocalGateway): readonly PrintedApi[] {
    const others = Object.entries(apis).map(([name, api]) => ({ name, api }));
    const name = others.length === 0 ? undefined : this.#settings.apiName;
    return [{ name, api: first }, ...others];
  }

  #print(apis: readonly PrintedApi[]): void {
    const { options, invokable } = this.#settings;
    const lines = apis.flatMap(({ name, api: { url } }, index) => {
      const { host } = new URL(url);
      return [
        ...(index === 0 && options.staticDirectory !== undefined
          ? [`Page       http://${host}/`]
          : []),
        `WebSocket  ${url}${name === undefined ? '' : `  ${name}`}`,
        `Inspect    http://${host}${CONTROL_PATH}`,
      ];
    });
    if (invokable.length > 0) lines.push(`Invoke     ${invokable.join(', ')}`);
    process.stdout.write(`${lines.join('\n')}\n\n`);
  }

  /** Without the file, only `gatecast env` and `gatecast invoke` do not work. */
  async #keepSession({ port, environment }: LocalApi, all: readonly PrintedApi[]): Promise<void> {
    const apis = all.map(({ api: { apiId, endpoint } }) => ({ apiId, endpoint }));
    const { template } = this.#settings;
    try {
      const roles = this.#running?.roleVariables();
      await writeSession(port, { pid: process.pid, environment, roles, apis, template });
    } catch (error) {
      process.stderr.write(
        `"gatecast env" and "gatecast invoke" will not find this gateway: ${(error as Error).message}\n`,
      );
    }
  }
}

/** Names the other `gatecast dev` of this folder, if that one has the port. */
async function explained(error: unknown, port: number): Promise<unknown> {
  if (!(error instanceof StartError) || error.code !== 'ERR_PORT_TAKEN') return error;
  const other = (await readSession(port)) && (await runningSession(port).catch(() => undefined));
  if (!other) return error;
  return new StartError(
    'ERR_PORT_TAKEN',
    `"gatecast dev" already runs in this folder, on port ${port} (pid ${other.pid}).`,
    'Stop that one, or start a second one on another port and with data of its own: --port 0 --ephemeral',
  );
}
