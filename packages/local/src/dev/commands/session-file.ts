import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { NamedApi } from '../../lambda/function.js';

/** Folder for the files of `gatecast dev`, in the current one. */
export const FOLDER = '.gatecast';

/** A running `gatecast dev`, for the other commands of the same user. */
export interface Session {
  readonly pid: number;
  /** Variables for a process that uses its gateway and its stores. They have an access key. */
  readonly environment: Readonly<Record<string, string>>;
  /** Variables for a process that runs a function by its role, for each function with a role. */
  readonly roles?: Readonly<Record<string, Readonly<Record<string, string>>>> | undefined;
  /** All of its APIs. */
  readonly apis: readonly NamedApi[];
  /** The template that it runs. */
  readonly template?: SessionTemplate | undefined;
}

/** A template or a cloud assembly, and the arguments to read it with. */
export interface SessionTemplate {
  /** @default there is an assembly */
  readonly file?: string | undefined;
  /** The folder of a cloud assembly. */
  readonly assembly?: string | undefined;
  /** The stack of the assembly whose APIs run. @default those of all stacks */
  readonly stack?: string | undefined;
  readonly parameters: Readonly<Record<string, string>>;
  readonly stage: string | undefined;
}

/**
 * Writes a file that only this user may read (on Windows, whoever may read the folder). It is not sent
 * over the gateway's port, because web pages reach that.
 */
export async function writeSession(port: number, session: Session): Promise<void> {
  await mkdir(FOLDER, { recursive: true });
  // Secrets and data do not belong in a repository. A file of the user's own is left as it is.
  const ignoring = writeFile(join(FOLDER, '.gitignore'), '*\n', { flag: 'wx' });
  await ignoring.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  // A new file, because an existing one would keep its mode.
  await removeSession(port);
  await writeFile(fileOf(port), JSON.stringify(session), { mode: 0o600, flag: 'wx' });
}

/** The session on a port; `undefined` if none was started in this folder. */
export async function readSession(port: number): Promise<Session | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(port), 'utf8')) as Session;
  } catch {
    return undefined;
  }
}

/** The ports of the sessions of this folder. */
export async function sessionPorts(): Promise<number[]> {
  const names = await readdir(FOLDER).catch(() => []);
  return names.flatMap((name) => /^port-(\d+)\.json$/.exec(name)?.[1] ?? []).map(Number);
}

/** Removes the file, if there is one. */
export async function removeSession(port: number): Promise<void> {
  await rm(fileOf(port), { force: true });
}

function fileOf(port: number): string {
  return join(FOLDER, `port-${port}.json`);
}
