import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type LocalGateway, startGateway } from '@gatecast/local';
import { assemble } from '../../../packages/client/test/runtimes/assemble.js';
import { buildPage } from '../build.mjs';
import { Network } from './network.js';

const entry = fileURLToPath(new URL('../server/app.ts', import.meta.url));

/** The chat on a gateway, and its page. */
export interface Stage extends AsyncDisposable {
  readonly gateway: LocalGateway;
  /** Where the two pages are. */
  readonly folder: string;
  readonly network: Network;
  /** URL of the page. */
  readonly page: string;
  /** URL of one with a connection that goes over {@link network}. The page itself does not. */
  readonly pageOverNetwork: string;
}

export function openStage(): Promise<Stage> {
  return assemble(async (use) => {
    const folder = await mkdtemp(join(tmpdir(), 'gatecast-chat-'));
    use({ [Symbol.asyncDispose]: () => rm(folder, { recursive: true }) });
    const gateway = use(await startGateway({ quiet: true, entry, staticDirectory: folder }));
    const network = use(await Network.to(gateway.port));
    await buildPage({ folder: join(folder, 'direct') });
    await buildPage({ folder: join(folder, 'network'), url: `ws://${network.host}/dev` });
    const origin = `http://localhost:${gateway.port}`;
    return {
      gateway,
      folder,
      network,
      page: `${origin}/direct/index.html`,
      pageOverNetwork: `${origin}/network/index.html`,
    };
  });
}
