import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RouteManifest } from '@gatecast/framework';
import { StartError } from '../start-error.js';
import { openBundler } from './bundle.js';
import { type BundleFormat, mainFieldsOf } from './bundle-settings.js';
import { Environment } from './environment/environment.js';
import { configureFunction } from './function.js';
import { loadModule } from './load.js';
import { parseManifest } from './route-manifest.js';

/** An app's manifest, in its original form and as the gateway reads it. */
export interface ReadManifest {
  readonly value: object;
  readonly manifest: RouteManifest;
  /** The module format of the app's bundle. */
  readonly format: BundleFormat;
  /** The main fields of its bundle, in the form of esbuild's option. */
  readonly mainFields: string;
  /** Packages that its bundle leaves out. */
  readonly external: readonly string[];
}

/**
 * Bundles an app and reads its manifest, without sending it events.
 *
 * @throws StartError if the entry is missing, cannot be bundled, fails to load or does not export an app.
 */
export async function readManifest(entry: string): Promise<ReadManifest> {
  const directory = await mkdtemp(join(tmpdir(), 'gatecast-'));
  try {
    await using bundler = await openBundler(entry, directory);
    const bundle = await bundler.build();
    const surroundings = { name: 'app', region: 'us-east-1', accountId: '123456789012', directory };
    const configuration = configureFunction({ entry }, surroundings);
    // Standard output is for the result of the command.
    const output = 'stderr';
    await using environment = Environment.start({ ...configuration, output }, bundle.file);
    const module = await loadModule(environment, { entry, bundle });
    if (module.manifest === undefined) {
      throw new StartError(
        'ERR_APP_NOT_FOUND',
        `"${entry}" does not export an "app" of createApp().`,
        'Export it together with the handler: export const app = createApp({ channels, store });',
      );
    }
    const where = `The manifest of "app" in "${entry}"`;
    const manifest = parseManifest(module.manifest, where);
    const { format, mainField, external } = bundle;
    const mainFields = mainFieldsOf(mainField).join();
    return { value: module.manifest as object, manifest, format, mainFields, external };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}
