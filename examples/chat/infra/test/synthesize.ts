import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { startCommand } from '../../../../test/running-command.js';

const infra = fileURLToPath(new URL('..', import.meta.url));

/** Runs a CDK app of the folder `infra` as the CDK's command does. @throws Error with what it printed */
export async function synthesize(
  app: string,
  { outdir, environment = {} }: { outdir: string; environment?: Readonly<Record<string, string>> },
): Promise<void> {
  const tsx = createRequire(import.meta.url).resolve('tsx/cli');
  await using command = startCommand(process.execPath, [tsx, app], {
    cwd: infra,
    env: { ...process.env, ...environment, CDK_OUTDIR: outdir },
  });
  const { code, stderr } = await command.ended;
  if (code !== 0) throw new Error(`"${app}" was not synthesized:\n${stderr}`);
}
