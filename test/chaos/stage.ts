import { join } from 'node:path';
import { type LocalGateway, startGateway } from '@gatecast/local';
import { openChromium } from '../chromium.js';
import { AppFolder } from './app-folder.js';
import { type Database, type StoreName, startDatabase } from './engines.js';
import { NodeMember } from './node-member.js';
import { PageParticipant } from './page-participant.js';
import type { ParticipantOptions } from './participant.js';
import { Server } from './server.js';

export interface StageOptions {
  readonly store: StoreName;
  readonly seed: number;
  /** How many clients are in Node, and how many in pages. */
  readonly nodes: number;
  readonly pages: number;
  readonly channels: readonly string[];
}

/** A connection that answers 410 is only removed when it is 35 s old. Here it is so after a few seconds. */
const AGE_MS = 32_000;
/** Fewer than clients, so that messages wait for each other. */
const ENVIRONMENTS = 6;
const TWO_HOURS_MS = 2 * 3_600_000;

/** A database, a gateway with an app, and clients. */
export class Stage implements AsyncDisposable {
  readonly database: Database;
  readonly folder: AppFolder;
  readonly gateway: LocalGateway;
  readonly server: Server;
  readonly nodes: readonly NodeMember[];
  readonly pages: readonly PageParticipant[];
  readonly #close: () => Promise<void>;
  readonly #turnBack: (byMs: number) => void;

  private constructor(parts: Parts, close: () => Promise<void>) {
    this.database = parts.database;
    this.folder = parts.folder;
    this.gateway = parts.gateway;
    this.server = new Server(parts.gateway);
    this.nodes = parts.nodes;
    this.pages = parts.pages;
    this.#turnBack = parts.turnBack;
    this.#close = close;
  }

  static async open(options: StageOptions): Promise<Stage> {
    const opened: AsyncDisposable[] = [];
    const close = async (): Promise<void> => {
      for (const one of opened.toReversed()) await one[Symbol.asyncDispose]();
    };
    try {
      return new Stage(await openParts(options, opened), close);
    } catch (error) {
      await close();
      throw error;
    }
  }

  get everybody(): readonly (NodeMember | PageParticipant)[] {
    return [...this.pages, ...this.nodes];
  }

  /**
   * Lets every connection reach its end. Then the gateway's clock goes back, because functions, which have the
   * machine's time, would take its connections for younger than they are.
   */
  passTwoHours(): void {
    this.gateway.clock.advance(TWO_HOURS_MS);
    this.#turnBack(TWO_HOURS_MS);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#close();
  }
}

interface Parts extends Pick<Stage, 'database' | 'folder' | 'gateway' | 'nodes' | 'pages'> {
  readonly turnBack: (byMs: number) => void;
}

/** @param opened - Gets everything that has to be closed, in the order in which it was opened. */
async function openParts(options: StageOptions, opened: AsyncDisposable[]): Promise<Parts> {
  const keep = <T extends AsyncDisposable>(one: T): T => {
    opened.push(one);
    return one;
  };
  const database = keep(await startDatabase(options.store));
  const folder = keep(await AppFolder.open());
  let backMs = AGE_MS;
  const gateway = keep(await openGateway(options, { database, folder }, () => Date.now() - backMs));
  const place = { port: gateway.port, path: new URL(gateway.url).pathname };
  const pages: PageParticipant[] = [];
  if (options.pages > 0) {
    const browser = await openChromium();
    keep({ [Symbol.asyncDispose]: () => browser.close() });
    for (const person of people('page', options.pages, options)) {
      pages.push(keep(await PageParticipant.open(browser, { ...person, ...place })));
    }
  }
  const nodes: NodeMember[] = [];
  for (const person of people('node', options.nodes, options)) {
    nodes.push(keep(await NodeMember.open({ ...person, ...place })));
  }
  const turnBack = (byMs: number): void => {
    backMs += byMs;
  };
  return { database, folder, gateway, nodes, pages, turnBack };
}

function openGateway(
  { seed }: StageOptions,
  { database, folder }: Pick<Stage, 'database' | 'folder'>,
  now: () => number,
): Promise<LocalGateway> {
  const entry = join(folder.path, database.entry);
  const { environment } = database;
  return startGateway({
    entry,
    environment,
    seed,
    now,
    quiet: true,
    watch: true,
    maxEnvironments: ENVIRONMENTS,
    staticDirectory: folder.pages,
    onReload: folder.onReload,
    functions: { publisher: { entry, environment, handler: 'publisher', quiet: true } },
  });
}

type Person = Pick<ParticipantOptions, 'name' | 'channels' | 'seed'>;

/** Every fourth is a member of all channels, the others of three. */
function people(kind: string, count: number, { seed, channels }: StageOptions): readonly Person[] {
  return Array.from({ length: count }, (_, index) => ({
    name: `${kind} ${index + 1}`,
    seed: seed * 1_000 + index,
    channels: [...channels, ...channels]
      .slice(index % channels.length)
      .slice(0, index % 4 === 3 ? channels.length : 3),
  }));
}
