import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { StartError } from '../../start-error.js';

/** The part of LevelDB that is needed to find out whether a folder can be used. */
type OpenLevel = new (path: string) => { open(): Promise<void>; close(): Promise<void> };

/** Holds the id of the process that uses the folder. LevelDB ignores files that it does not know. */
const OWNER_FILE = 'gatecast.pid';

/**
 * Makes a folder ready for dynalite, which would throw in the middle of the first request if it could not
 * open its database.
 *
 * @throws StartError `ERR_DATA_UNAVAILABLE` if another process uses the folder or it cannot be written.
 */
export async function prepareDataFolder(directory: string): Promise<void> {
  // LevelDB belongs to dynalite, so it is found from there.
  const dynaliteFile = createRequire(import.meta.url).resolve('dynalite');
  const { Level } = createRequire(dynaliteFile)('level') as { readonly Level: OpenLevel };
  try {
    await mkdir(directory, { recursive: true });
    const level = new Level(directory);
    await level.open();
    // Written while the database is open, because only then no other process uses the folder.
    try {
      await writeFile(join(directory, OWNER_FILE), String(process.pid));
    } finally {
      await level.close();
    }
  } catch (error) {
    const cause = innermost(error as Error);
    if (cause.code !== 'LEVEL_LOCKED') throw notWritable(directory, cause);
    throw await inUse(directory);
  }
}

async function inUse(directory: string): Promise<StartError> {
  const pid = await readFile(join(directory, OWNER_FILE), 'utf8').catch(() => 'unknown');
  return new StartError(
    'ERR_DATA_UNAVAILABLE',
    `The data folder "${directory}" is used by another gateway (pid ${pid}).`,
    'Stop that one, or keep the data in memory: "gatecast dev --ephemeral", or no dataDirectory in startGateway().',
  );
}

function notWritable(directory: string, cause: Error): StartError {
  return new StartError(
    'ERR_DATA_UNAVAILABLE',
    `The embedded DynamoDB cannot use the data folder "${directory}": ${cause.message}.`,
    'Make it writable, or keep the data in memory: "gatecast dev --ephemeral", or no dataDirectory in startGateway().',
  );
}

function innermost(error: Error & { readonly code?: string }): typeof error {
  return error.cause instanceof Error ? innermost(error.cause) : error;
}
