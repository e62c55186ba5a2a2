import { runInNewContext } from 'node:vm';
import { ClientError, defineChannel } from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import type { StandardSchemaV1 } from '@standard-schema/spec';
import * as v from 'valibot';
import { describe, expect, it } from 'vitest';
import { validate } from '../src/channel/validate.js';

type Answer = StandardSchemaV1.Result<unknown> | Promise<StandardSchemaV1.Result<unknown>>;
const schemaOf = (answer: (data: unknown) => Answer): StandardSchemaV1 => ({
  '~standard': { version: 1, vendor: 'test', validate: answer },
});
const thrown = (answer: () => unknown) => schemaOf(answer as () => Answer);

/** The app's answer to a message with the schema, and the reported errors. */
async function send(schema: StandardSchemaV1, data: unknown) {
  const reported: { code?: string; cause?: unknown }[] = [];
  const rooms = defineChannel('r/:id', {
    messages: ({ message }) => ({ post: message(schema, () => 'accepted') }),
  });
  const onError = (error: unknown) => reported.push(error as object);
  const app = createTestApp({ channels: [rooms], plugins: [{ name: 'errors', onError }] });
  const ann = await app.connect();
  const answer = await ann.send('r.post', 'r/1', data);
  return {
    reply: 'data' in answer ? answer.data : undefined,
    error: 'error' in answer ? answer.error : undefined,
    reported,
  };
}

/** The error of `validate`, thrown synchronously or not. */
const failureOf = async (schema: StandardSchemaV1, data: unknown) => {
  try {
    await validate(schema, data);
  } catch (error) {
    return error as { code: string; details: { path: string; message: string }[]; cause: unknown };
  }
  return undefined;
};

describe('H2 an error while validating', () => {
  const failure = new Error('boom');
  const throws = () => {
    throw failure;
  };
  it.each<[string, StandardSchemaV1]>([
    ['by a schema', thrown(throws)],
    ['by an asynchronous schema', thrown(async () => throws())],
    ['by a transformation', v.pipe(v.unknown(), v.transform(throws))],
    [
      'by a check of a list of issues',
      schemaOf(() => ({
        get issues() {
          return throws();
        },
      })),
    ],
  ])(
    'H2 is reported as invalid data, with the cause only in the logs: %s',
    async (_what, schema) => {
      const { error, reported } = await send(schema, { text: 1 });
      expect(error).toEqual({
        code: 'ERR_VALIDATION',
        message: 'The data does not fit the message.',
        details: [{ path: '', message: 'could not be validated' }],
      });
      expect(reported).toEqual([
        expect.objectContaining({ code: 'ERR_VALIDATION', cause: failure }),
      ]);
    },
  );

  it('H2 is reported the same way if the schema returns nonsense', async () => {
    for (const answer of [undefined, null, 7]) {
      expect(
        await failureOf(
          thrown(() => answer),
          {},
        ),
      ).toMatchObject({ code: 'ERR_VALIDATION' });
    }
  });

  it('H2 is waited for if it comes by a promise of another library or realm', async () => {
    const Foreign = runInNewContext('Promise') as PromiseConstructor;
    const issues = [{ message: 'no' }];
    for (const promise of [
      Foreign.resolve({ issues }),
      // oxlint-disable-next-line unicorn/no-thenable -- as old libraries return them.
      { then: (next: (answer: object) => void) => next({ issues }) },
    ]) {
      const { error, reply } = await send(
        thrown(() => promise),
        {},
      );
      expect(reply).toBeUndefined();
      expect(error).toMatchObject({ code: 'ERR_VALIDATION', details: [{ message: 'no' }] });
    }
  });

  it('H2 is passed on if it is a ClientError of the app', async () => {
    const refusal = new ClientError('ERR_ROOM_FULL', 'The room is full.');
    const { error } = await send(
      thrown(async () => Promise.reject(refusal)),
      {},
    );
    expect(error).toEqual({ code: 'ERR_ROOM_FULL', message: 'The room is full.' });
  });

  it('H2 is reported as too deep if the stack has overflowed', async () => {
    const recurse = (): never => recurse();
    expect(await failureOf(thrown(recurse), {})).toMatchObject({
      details: [{ path: '', message: 'is nested too deeply' }],
    });
    for (const other of [new RangeError('Invalid array length'), new Error('Maximum call stack')]) {
      const schema = thrown(() => Promise.reject(other));
      expect(await failureOf(schema, {})).toMatchObject({
        details: [{ path: '', message: 'could not be validated' }],
      });
    }
  });
});

describe('H3 the cost of validating', () => {
  const items = v.object({ items: v.array(v.unknown()) });

  it.each<[string, unknown]>([
    ['many empty objects', { items: Array.from({ length: 2_000 }, () => ({})) }],
    ['many lists', { items: Array.from({ length: 2_000 }, () => []) }],
    ['a deep list', { items: JSON.parse('['.repeat(2_000) + ']'.repeat(2_000)) }],
  ])('H3 is avoided for %s: the schema never sees them', async (_what, data) => {
    let calls = 0;
    const counting = schemaOf((value) => {
      calls += 1;
      return { value };
    });
    const { error } = await send(counting, data);
    expect(error).toMatchObject({
      code: 'ERR_VALIDATION',
      details: [{ path: '', message: 'has more than 2000 objects and lists' }],
    });
    expect(calls).toBe(0);
  });

  it.each<[string, unknown]>([
    ['1,900 objects', { items: Array.from({ length: 1_900 }, () => ({ x: 1 })) }],
    ['a long list of numbers', { items: Array.from({ length: 10_000 }, (_, index) => index) }],
    ['a long list of nulls', { items: Array.from({ length: 6_000 }, () => null) }],
  ])('H3 does not lead to a refusal of %s', async (_what, data) => {
    expect((await send(items, data)).reply).toBe('accepted');
  });

  it('H3 is limited to 2,000 objects and lists', () => {
    const take = (data: unknown) => () =>
      validate(
        schemaOf((value) => ({ value })),
        data,
      );
    const objects = (count: number) => Array.from({ length: count }, () => ({}));
    const nested = (depth: number): unknown =>
      JSON.parse(`${'['.repeat(depth)}${']'.repeat(depth)}`);
    // The list itself counts, too.
    for (const data of [objects(1_999), nested(2_000)]) expect(take(data)()).toBe(data);
    for (const data of [objects(2_000), nested(2_001), [undefined, objects(1_999)]]) {
      expect(take(data)).toThrow(expect.objectContaining({ code: 'ERR_VALIDATION' }));
    }
  });

  it('H3 reports 20 issues completely, with up to 200 characters each', async () => {
    const issues = (count: number, length: number) =>
      schemaOf(() => ({
        issues: Array.from({ length: count }, () => ({ message: 'x'.repeat(length) })),
      }));
    const whole = { path: '', message: 'x'.repeat(200) };
    expect((await failureOf(issues(20, 200), {}))?.details).toEqual(
      Array.from({ length: 20 }, () => whole),
    );
    expect((await failureOf(issues(21, 200), {}))?.details.at(-1)?.message).toBe('and 1 more');
    expect((await failureOf(issues(1, 201), {}))?.details).toEqual([
      { path: '', message: `${whole.message}…` },
    ]);
  });

  it('H3 limits the answer to 20 details of limited size', async () => {
    const long = 'x'.repeat(10_000);
    const schema = schemaOf(() => ({
      issues: Array.from({ length: 1_000 }, () => ({ message: long, path: [long, { key: 1 }] })),
    }));
    const { error } = await send(schema, {});
    const details = error?.details as { path: string; message: string }[];
    expect(details).toHaveLength(21);
    expect(details.at(-1)).toEqual({ path: '', message: 'and 980 more' });
    expect(JSON.stringify(error).length).toBeLessThan(20_000);
  });
});

describe('validate()', () => {
  it('is synchronous if the schema is, and otherwise returns a promise', async () => {
    expect(validate(v.object({ text: v.string() }), { text: 'a', more: 1 })).toEqual({ text: 'a' });
    const slow = v.pipeAsync(
      v.string(),
      v.checkAsync(async () => true),
    );
    const answer = validate(slow, 'a');
    expect(answer).toBeInstanceOf(Promise);
    expect(await answer).toBe('a');
    expect(() => validate(v.string(), 1)).toThrow(
      expect.objectContaining({ code: 'ERR_VALIDATION' }),
    );
    // The cause is an error that the schema threw. Issues are not errors, so there is no cause.
    expect(Object.hasOwn((await failureOf(v.string(), 1)) ?? {}, 'cause')).toBe(false);
  });

  it('reports every issue with its path', async () => {
    const schema = v.object({ a: v.array(v.object({ b: v.string() })), c: v.number() });
    expect(await failureOf(schema, { a: [{ b: 'x' }, { b: 1 }], c: 'y' })).toMatchObject({
      details: [{ path: 'a.1.b' }, { path: 'c' }],
    });
  });
});
