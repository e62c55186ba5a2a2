// `npm run guides [name…]`: does what the guides in docs ask their readers to do, each in an empty folder, with
// the packed packages. CONTRIBUTING.md says what a page may contain. Options:
// --docs folder      the pages (default: docs)
// --archives folder  the packed packages, which are made otherwise
// --stay             leave the last guide's folder and servers until a signal
import { once } from 'node:events';
import * as fs from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Commands } from './guides/commands.mjs';
import { missingLine, readPage } from './guides/page.mjs';
import { REGISTRY_PORT, serveArchives } from './registry.mjs';
import { build, installDependencies, pack } from './run.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
/** In the order in which a newcomer reads them. */
const GUIDES = [
  'README',
  'getting-started',
  'handlers',
  'access',
  'testing',
  'state',
  'client',
  'publishing',
  'plugins',
  'settings',
  'deploy',
  'operate',
];

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    docs: { type: 'string', default: join(root, 'docs') },
    archives: { type: 'string' },
    stay: { type: 'boolean', default: false },
  },
});

/** The environment of the commands, without what vitest and `npm run` have set. */
function environment() {
  const own = /^(?:VITEST|npm_(?!config_)|INIT_CWD$|NODE_ENV$|TEST$|DEV$|PROD$|MODE$|BASE_URL$)/;
  return {
    ...Object.fromEntries(Object.entries(process.env).filter(([name]) => !own.test(name))),
    CI: 'true',
    NO_COLOR: '1',
    npm_config_audit: 'false',
    npm_config_fund: 'false',
    npm_config_prefer_offline: 'true',
    npm_config_update_notifier: 'false',
  };
}

/**
 * A page and those that it continues, the first one first. A guide is named like its page, because its folder has
 * that name, too.
 */
function pagesOf(name) {
  if (!/^[\w-]+$/.test(name)) {
    throw new Error(
      `"${name}" is not the name of a guide: pass that of its page, such as "access".`,
    );
  }
  const file = join(values.docs, name === 'README' ? '..' : '.', `${name}.md`);
  if (!fs.existsSync(file)) throw new Error(`There is no guide "${name}": ${file} is missing.`);
  const page = { name, ...readPage(fs.readFileSync(file, 'utf8')) };
  return [...(page.after === undefined ? [] : pagesOf(page.after)), page];
}

/** One guide, and what it has started. */
class Guide {
  #pages;
  /** Made by this guide. Nothing else may be deleted. */
  #home;
  #folder;
  #commands;
  #ports;

  constructor(name, ports) {
    this.#pages = pagesOf(name);
    this.#home = fs.mkdtempSync(join(tmpdir(), 'gatecast-guide-'));
    this.#folder = join(this.#home, name);
    this.#ports = ports;
    const state = join(this.#home, 'shell.state');
    fs.mkdirSync(this.#folder);
    fs.writeFileSync(state, '');
    fs.writeFileSync(
      join(this.#folder, '.npmrc'),
      `@gatecast:registry=http://localhost:${ports.registry}/\n`,
    );
    this.#commands = new Commands({ folder: this.#folder, state, environment: environment() });
  }

  get folder() {
    return this.#folder;
  }

  get url() {
    return `http://localhost:${this.#ports.gateway}/`;
  }

  async follow() {
    for (const { name, steps } of this.#pages) {
      for (const step of steps) await this.#do(step, `${name}.md:`);
    }
  }

  async close() {
    await this.#commands.close();
    fs.rmSync(this.#home, { recursive: true, force: true, maxRetries: 5 });
  }

  async #do({ line, file, text, commands, output, reason }, page) {
    if (reason !== undefined) process.stdout.write(`  not run  ${page}${line} ${reason}\n`);
    if (file !== undefined) {
      const path = join(this.#folder, file);
      if (!path.startsWith(this.#folder + sep)) {
        throw new Error(`${page}${line} names a file outside of the guide's folder: ${file}`);
      }
      fs.mkdirSync(dirname(path), { recursive: true });
      fs.writeFileSync(path, this.#here(text));
    }
    if (commands !== undefined) this.#commands.begin();
    for (const command of commands ?? []) await this.#run(command, page);
    if (output === undefined) return;
    const expected = output.map((expectedLine) => this.#here(expectedLine));
    const isThere = (printed) => missingLine(expected, printed) === undefined;
    if (await this.#commands.printed(isThere)) return;
    const missing = missingLine(expected, this.#commands.output);
    throw new Error(`${page}${line} did not print "${missing}", but:\n${this.#commands.output}`);
  }

  async #run({ line, text }, page) {
    const begin = performance.now();
    try {
      await this.#commands.run(this.#onPort(this.#here(text)));
    } catch (error) {
      const printed = this.#commands.output + this.#commands.serverOutput;
      throw new Error(`${page}${line} "${text}" ${error.message}:\n${printed}`, {
        cause: error,
      });
    }
    const seconds = ((performance.now() - begin) / 1000).toFixed(1);
    process.stdout.write(`${seconds.padStart(7)} s  ${text.split('\n')[0]}\n`);
  }

  /** The text with ports that are free on this machine. */
  #here(text) {
    const { gateway, registry } = this.#ports;
    return text
      .replaceAll(/(?<=(?:localhost|127\.0\.0\.1):|port[ =])3000\b/gi, gateway)
      .replaceAll(`localhost:${REGISTRY_PORT}/`, `localhost:${registry}/`);
  }

  /** A command on the gateway's port in the place of the default one. */
  #onPort(command) {
    return command.replaceAll(
      /\bgatecast (?:dev|env|invoke|clock|fault|permissions)\b(?!.*--port)/g,
      `$& --port ${this.#ports.gateway}`,
    );
  }
}

async function freePort() {
  const server = createServer().listen(0, 'localhost');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

const scratch = fs.mkdtempSync(join(tmpdir(), 'gatecast-archives-'));
process.on('exit', () => fs.rmSync(scratch, { recursive: true, force: true }));
let guide;
let isStopping = false;
const stopped = new Promise((resolve) => {
  for (const name of ['SIGINT', 'SIGTERM']) process.on(name, () => resolve(name));
}).then((name) => {
  isStopping = true;
  return name;
});

async function followAll() {
  const archives = values.archives ?? scratch;
  if (values.archives === undefined) {
    installDependencies();
    build();
    pack(archives);
  }
  const registry = await serveArchives(archives);
  const ports = { registry: registry.address().port };
  const failures = [];
  for (const name of positionals.length > 0 ? positionals : GUIDES) {
    if (isStopping) break;
    process.stdout.write(`${name}\n`);
    const begin = performance.now();
    guide = new Guide(name, { ...ports, gateway: await freePort() });
    await guide.follow().catch(({ message }) => failures.push(message));
    process.stdout.write(`${((performance.now() - begin) / 1000).toFixed(1).padStart(7)} s  all\n`);
    if (values.stay && failures.length === 0) {
      process.stdout.write(`${guide.folder} and ${guide.url} stay until Ctrl-C.\n`);
      await stopped;
    }
    await guide.close();
  }
  return failures;
}

const failures = await Promise.race([
  followAll().catch(({ message }) => [message]),
  stopped.then((name) => [`Ended by ${name}.`]),
]);
await guide?.close();
for (const message of failures) process.stderr.write(`${message}\n`);
// The registry would go on serving.
process.exit(failures.length > 0 ? 1 : 0);
