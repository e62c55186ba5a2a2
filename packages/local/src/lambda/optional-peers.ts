import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Message } from 'esbuild';
import { packageOf } from './bundle-settings.js';

/** The name of the package that an error says is missing. */
export function missingPackage({ text }: Message): string | undefined {
  // Not an alias such as `~/part` or `#part`, and no scheme such as `bun:test`.
  return /^Could not resolve "((?:@[\w-][\w.~-]*\/)?[\w-][\w.~-]*)(?:\/[^"]*)?"/.exec(text)?.[1];
}

/**
 * The missing packages that are only imported by those whose optional peer dependencies they are: a package such
 * as `@nestjs/core` imports them when they are used, and works without them.
 */
export function missingOptionalPeers(errors: readonly Message[]): string[] {
  const isOptional = new Map<string, boolean>();
  for (const error of errors) {
    const name = missingPackage(error);
    if (name === undefined) continue;
    const folder = packageOf(error.location?.file ?? '');
    const isPeer = folder !== undefined && isOptionalPeer(name, folder);
    isOptional.set(name, isPeer && (isOptional.get(name) ?? true));
  }
  return [...isOptional.keys()].filter((name) => isOptional.get(name)).toSorted();
}

interface Manifest {
  readonly peerDependenciesMeta?: Readonly<Record<string, { readonly optional?: boolean }>>;
}

function isOptionalPeer(name: string, folder: string): boolean {
  try {
    const text = readFileSync(join(folder, 'package.json'), 'utf8');
    const { peerDependenciesMeta = {} } = JSON.parse(text) as Manifest;
    return peerDependenciesMeta[name]?.optional === true;
  } catch {
    // A package manager may keep packages in archives, which only esbuild reads.
    return false;
  }
}
