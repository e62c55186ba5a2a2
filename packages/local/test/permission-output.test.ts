import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type RunningCommand, startCommand } from '../../../test/running-command.js';
import type { PolicyDocument } from '../src/iam/policy-document.js';
import { openConnection } from './open-connection.js';

const fixture = (name: string): string =>
  fileURLToPath(new URL(`fixtures/${name}`, import.meta.url));

const stage = 'arn:aws:execute-api:us-east-1:123456789012:local00000/dev';
const allow = (Action: string, Resource: string): PolicyDocument['Statement'][number] => ({
  Effect: 'Allow',
  Action,
  Resource,
});

/** The folder of the sessions. */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'gatecast-permissions-'));
});

afterAll(() => rm(folder, { recursive: true }));

/** What `gatecast dev` runs: a function that posts each message back to its sender. */
function dev(...Statement: PolicyDocument['Statement']): RunningCommand {
  const permissions = JSON.stringify({ Version: '2012-10-17', Statement });
  const args = [fixture('dev-with-permissions.mjs'), fixture('posts-with-sdk.mjs'), permissions];
  return startCommand(process.execPath, args, { cwd: folder });
}

const started = (running: RunningCommand): Promise<string> =>
  running.prints(/^WebSocket +(ws:.*)$/m, { timeout: 60_000 });

async function answersTo(url: string, ...messages: string[]): Promise<string[]> {
  await using connection = await openConnection(url);
  const answers: string[] = [];
  for (const message of messages) {
    connection.send(message);
    answers.push(await connection.receive());
  }
  return answers;
}

/** What is printed after the signal. */
async function lastWords(running: RunningCommand): Promise<string> {
  const before = running.output.stdout.length;
  running.kill('SIGINT');
  const { code, stdout, stderr } = await running.ended;
  expect([code, stderr]).toEqual([0, '']);
  return stdout.slice(before);
}

describe('gatecast dev', { timeout: 120_000 }, () => {
  it('prints a refused call once, with a statement that allows it when it is pasted', async () => {
    await using refusing = dev(
      allow('execute-api:ManageConnections', `${stage}/GET/@connections/*`),
      allow('sqs:SendMessage', '*'),
    );
    const answers = await answersTo(await started(refusing), 'one', 'two');
    expect(answers.join()).not.toMatch(/^(one|two)/);
    const unused = await lastWords(refusing);
    const { stdout } = refusing.output;
    const action = 'execute-api:ManageConnections';
    const resource = `${stage}/POST/@connections/*`;
    expect(stdout.split('may not call')).toHaveLength(2);
    expect(stdout).toContain(`  "posts-with-sdk" may not call ${action} on ${resource}.\n`);
    const [, statement = ''] = /^This statement in .* would allow it:\n(.*)$/m.exec(stdout) ?? [];
    expect(unused).toContain(
      [
        'Permissions that nothing used:',
        `  Statement[0] of the permissions of "posts-with-sdk": ${action} on ${stage}/GET/@connections/*`,
        '  Statement[1] of the permissions of "posts-with-sdk": sqs:SendMessage on *',
        '',
      ].join('\n'),
    );

    await using mended = dev(JSON.parse(statement) as PolicyDocument['Statement'][number]);
    expect(await answersTo(await started(mended), 'one')).toEqual(['one']);
    expect(await lastWords(mended)).toContain('Each permission was used.\n');
    expect(mended.output.stdout).not.toContain('may not');
  });

  it('says that nothing was called', async () => {
    await using idle = dev(allow('sqs:SendMessage', '*'));
    await started(idle);
    expect(await lastWords(idle)).toBe('Nothing called anything that needs a permission.\n');
  });
});
