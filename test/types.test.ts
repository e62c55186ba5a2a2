import { fileURLToPath } from 'node:url';
import type { Reply, SubscribeData } from '@gatecast/client';
import { createTestApp } from '@gatecast/framework/testing';
import ts from 'typescript';
import { describe, expect, it } from 'vitest';
import { Boards, Lists, notes } from './fixtures/typed-app/app.js';

const fixture = fileURLToPath(new URL('fixtures/typed-app/app.ts', import.meta.url));

const benchmark = new URL('../benchmarks/types.mjs', import.meta.url).href;

/** Settings of every project that uses the packages. */
const usual: ts.CompilerOptions = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  types: ['node'],
  target: ts.ScriptTarget.ES2022,
  module: ts.ModuleKind.NodeNext,
};

function problemsOf(program: ts.Program): string[] {
  return ts
    .getPreEmitDiagnostics(program)
    .map(
      ({ start, messageText }) => `${start}: ${ts.flattenDiagnosticMessageText(messageText, ' ')}`,
    );
}

describe('types', () => {
  it.each<[string, ts.CompilerOptions]>([
    ['the usual ones, with legacy decorators', { experimentalDecorators: true }],
    [
      'strict ones, with standard decorators',
      { exactOptionalPropertyTypes: true, noUncheckedIndexedAccess: true },
    ],
    [
      "a bundler's, without types of Node",
      {
        module: ts.ModuleKind.ESNext,
        moduleResolution: ts.ModuleResolutionKind.Bundler,
        types: [],
      },
    ],
  ])('G1 G2 fit an app and its page under any settings: %s', (_what, settings) => {
    expect(problemsOf(ts.createProgram([fixture], { ...usual, ...settings }))).toEqual([]);
  });

  it('cost the compiler as much for the next ten channels of an app as for the ten before', {
    timeout: 180_000,
  }, async () => {
    const { check } = (await import(benchmark)) as {
      readonly check: (channels: number) => { readonly instantiations: number };
    };
    const [ten = 0, twenty = 0, thirty = 0] = [10, 20, 30].map(
      (size) => check(size).instantiations,
    );
    expect(ten).toBeGreaterThan(0);
    // It was 1.16 when each name was compared with each pattern.
    expect((thirty - twenty) / (twenty - ten)).toBeLessThan(1.05);
  });
});

describe('handlers without parameters', () => {
  async function subscribed(name: string, channel: object): Promise<unknown> {
    const ann = await createTestApp({ channels: [channel] }).connect();
    const [outcome] = await ann.subscribe(name);
    return outcome && 'data' in outcome ? outcome.data : outcome;
  }

  it('G2 bring data with a subscription, as their type says', async () => {
    const list: SubscribeData<Lists> = { topic: 'lists', since: '1970-01-01T00:00:00.000Z' };
    expect(await subscribed('lists/1', Lists)).toEqual(list);
    const board: SubscribeData<Boards> = { topic: '1' };
    expect(await subscribed('boards/1', Boards)).toEqual(board);
    const note: SubscribeData<typeof notes> = { topic: '1', since: '1970-01-01T00:00:00.000Z' };
    expect(await subscribed('notes/1', notes)).toEqual(note);
  });

  it('G2 answer messages, as their type says', async () => {
    const ann = await createTestApp({ channels: [Lists, Boards] }).connect();
    const list: Reply<Lists, 'list'> = { names: ['a'], at: '1970-01-01T00:00:00.000Z' };
    expect(await ann.send('lists.list', 'lists/1')).toHaveProperty('data', list);
    const count: Reply<Lists, 'count'> = 1;
    expect(await ann.send('lists.count', 'lists/1')).toHaveProperty('data', count);
    const nothing: Reply<Boards, 'clear'> = undefined;
    expect(await ann.send('boards.clear', 'boards/1')).not.toHaveProperty('data', !nothing);
  });

  it('G2 are refused as messages when they are not messages, though the type lets them be sent', async () => {
    const ann = await createTestApp({ channels: [Lists] }).connect();
    expect(await ann.send('lists.enter', 'lists/1')).toMatchObject({
      type: 'error',
      error: { code: 'ERR_ACTION_UNKNOWN' },
    });
  });
});
