import { ClientError } from '@gatecast/framework';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { makeReport, type Report } from '../src/invocation/report.js';

const failure = new Error('The disk is full.');
const refusal = new ClientError('ERR_NO', 'No.');
const broken = new Error('The log is closed.');
const details = { route: 'rooms.post', connectionId: 'c', isAnswered: false };
const warn = vi.spyOn(console, 'warn');
const error = vi.spyOn(console, 'error');

beforeEach(() => {
  for (const spy of [warn, error]) spy.mockReset().mockImplementation(() => {});
});

describe('an error that no plugin listens to', () => {
  const report: Report = (...args) =>
    makeReport([{ name: 'deaf', onFrame: (_ctx, next) => next() }])(...args);

  it('is written to the console with its place', () => {
    report(failure, details);
    report(failure, { route: 'publish', isAnswered: true });
    expect(error.mock.calls).toEqual([
      ['Gatecast: rooms.post failed on connection c.', failure],
      ['Gatecast: publish failed on connection -.', failure],
    ]);
    expect(warn).not.toHaveBeenCalled();
  });

  it('is one line if it is a refusal, and nothing if the client was told', () => {
    report(refusal, { ...details, isAnswered: true });
    expect(warn).not.toHaveBeenCalled();
    report(refusal, details);
    expect(warn.mock.calls).toEqual([['Gatecast: rooms.post on connection c was refused: ERR_NO']]);
    expect(error).not.toHaveBeenCalled();
  });
});

describe('an error that plugins listen to', () => {
  it.each<[string, () => void]>([
    [
      'throws',
      () => {
        throw broken;
      },
    ],
    ['rejects', () => Promise.reject(broken)],
  ])(
    'reaches each of them even if one %s, which is written to the console',
    async (_how, onError) => {
      const told = vi.fn();
      const report = makeReport([
        { name: 'first', onError },
        { name: 'deaf' },
        { name: 'last', onError: told },
      ]);
      report(failure, details);
      expect(told.mock.calls).toEqual([[failure, details]]);
      await vi.waitFor(() => expect(error).toHaveBeenCalledTimes(1));
      expect(error).toHaveBeenCalledWith('Gatecast: rooms.post failed on connection c.', broken);
    },
  );

  it('is not written anywhere else', async () => {
    const listeners = [() => undefined, () => Promise.resolve(), () => 7];
    makeReport(
      listeners.map((onError, index) => ({ name: `${index}`, onError: onError as () => void })),
    )(refusal, details);
    await Promise.resolve();
    expect(warn).not.toHaveBeenCalled();
    expect(error).not.toHaveBeenCalled();
  });
});
