// Two packages have the command `gatecast`: `gatecast` and `@gatecast/local`. npm links that of one of them.
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCommand } from './running-command.js';

const scripts = fileURLToPath(new URL('../scripts', import.meta.url));
let folder: string;
let server: Server;
let registry: string;
/** The package whose name is not in the scope, by its archive. */
let alone: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-command-'));
  const archives = join(folder, 'archives');
  const url = pathToFileURL(join(scripts, 'registry.mjs')).href;
  const { packInto, serveArchives } = (await import(url)) as {
    packInto: (to: string) => void;
    serveArchives: (from: string) => Promise<Server>;
  };
  packInto(archives);
  server = await serveArchives(archives);
  registry = `http://localhost:${(server.address() as AddressInfo).port}/`;
  const name = (await readdir(archives)).find((file) => /^gatecast-\d/.test(file)) ?? '';
  alone = join(archives, name);
}, 600_000);
afterAll(async () => {
  server.closeAllConnections();
  server.close();
  await rm(folder, { recursive: true });
});

/** Runs npm in a folder, and returns its exit code. */
async function npm(cwd: string, ...args: readonly string[]): Promise<number | null> {
  const settings = ['--no-audit', '--no-fund', '--prefer-offline', '--loglevel=error'];
  const env = { ...process.env, 'npm_config_@gatecast:registry': registry };
  await using running = startCommand('npm', [...args, ...settings], { cwd, env });
  return (await running.ended).code;
}

async function output(cwd: string, command: string, ...args: readonly string[]): Promise<string> {
  await using running = startCommand(command, args, { cwd });
  const { stdout, stderr } = await running.ended;
  return stdout + stderr;
}

async function makeProject(): Promise<string> {
  const project = await mkdtemp(join(folder, 'project-'));
  await writeFile(join(project, 'package.json'), '{ "private": true }');
  return project;
}

const versionIn = (project: string) =>
  output(project, 'npx', '--no-install', 'gatecast', '--version');
const VERSION = /^\d+\.\d+\.\d+\n$/;

describe('the command in a project', () => {
  it.each([
    ['only gatecast', () => [[alone]]],
    ['only @gatecast/local', () => [['@gatecast/local']]],
    ['both', () => [[alone, '@gatecast/local']]],
    ['@gatecast/local, and then gatecast', () => [['@gatecast/local'], [alone]]],
    ['gatecast, and then @gatecast/local', () => [[alone], ['@gatecast/local']]],
  ])('runs: %s', async (_name, installs) => {
    const project = await makeProject();
    for (const packages of installs()) expect(await npm(project, 'install', ...packages)).toBe(0);
    expect(await versionIn(project)).toMatch(VERSION);
  });

  it('is back after npm rebuild, if the package was removed whose command npm had linked', async () => {
    const project = await makeProject();
    expect(await npm(project, 'install', alone, '@gatecast/local')).toBe(0);
    expect(await npm(project, 'uninstall', 'gatecast')).toBe(0);
    expect(existsSync(join(project, 'node_modules/gatecast'))).toBe(false);
    expect(await npm(project, 'rebuild', '@gatecast/local')).toBe(0);
    expect(await versionIn(project)).toMatch(VERSION);
  });
});

describe('the command for all projects', () => {
  it('comes from one of the packages: npm refuses the second', async () => {
    const prefix = await makeProject();
    const install = (name: string) => npm(prefix, 'install', '--global', '--prefix', prefix, name);
    const version = () => output(prefix, join(prefix, 'bin/gatecast'), '--version');
    expect(await install(alone)).toBe(0);
    expect(await version()).toMatch(VERSION);
    expect(await install('@gatecast/local')).not.toBe(0);
    expect(await version()).toMatch(VERSION);
  });
});
