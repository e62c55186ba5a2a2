import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Pace } from '../src/deliver/pace.js';
import { Window } from '../src/deliver/window.js';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/** A window, and what its callers have been told so far. */
function makeWindow(perSecond = 1_000_000) {
  const window = new Window(new Pace(perSecond));
  const answers: [name: string, isLetIn: boolean][] = [];
  const enter = (name: string, limit = {}): void => {
    void Promise.resolve(window.enter(limit)).then((isLetIn) => answers.push([name, isLetIn]));
  };
  const fill = async (): Promise<void> => {
    for (let count = 0; count < 8; count += 1) expect(window.enter({})).toBe(true);
  };
  return { window, answers, enter, fill };
}

const settled = (): Promise<unknown> => vi.advanceTimersByTimeAsync(0);

describe('C5 the window', () => {
  it('C5 lets eight in at once, and further ones only when others leave', async () => {
    const { window, answers, enter, fill } = makeWindow();
    await fill();
    for (const name of ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i']) enter(name);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(answers).toEqual([]);
    window.leave(false);
    await settled();
    expect(answers).toEqual([['a', true]]);
    // An answer makes it larger by one.
    window.leave(true);
    await settled();
    expect(answers.map(([name]) => name)).toEqual(['a', 'b', 'c']);
    window.leave(true);
    await settled();
    expect(answers.map(([name]) => name)).toEqual(['a', 'b', 'c', 'd', 'e']);
  });

  it('C5 grows to 64', async () => {
    const { window, answers, enter } = makeWindow();
    for (let count = 0; count < 8 + 200; count += 1) enter(String(count));
    for (let count = 0; count < 60; count += 1) {
      window.leave(true);
      await settled();
    }
    expect(answers).toHaveLength(60 + 64);
  });

  it('C5 lets callers in as they arrived, even if one comes just when the next may begin', async () => {
    const { answers, enter } = makeWindow(10);
    enter('first');
    setTimeout(() => enter('newcomer'), 100);
    enter('second');
    await vi.advanceTimersByTimeAsync(100);
    expect(answers.map(([name]) => name)).toEqual(['first', 'second']);
    await vi.advanceTimersByTimeAsync(100);
    expect(answers.map(([name]) => name)).toEqual(['first', 'second', 'newcomer']);
  });

  it('C5 waits for the pace with one timer for all', async () => {
    const { answers, enter } = makeWindow(10);
    for (const name of ['a', 'b', 'c', 'd']) enter(name);
    expect(vi.getTimerCount()).toBe(1);
    await vi.advanceTimersByTimeAsync(299);
    expect(answers).toHaveLength(3);
    await vi.advanceTimersByTimeAsync(1);
    expect(answers).toHaveLength(4);
    expect(vi.getTimerCount()).toBe(0);
  });
});

describe('B1 a caller of the window', () => {
  it('B1 is refused at once without time left', () => {
    const { window } = makeWindow();
    expect(window.enter({ endsAt: Date.now() })).toBe(false);
    expect(window.enter({ signal: AbortSignal.abort() })).toBe(false);
  });

  it('B1 waits no longer than its limit, and then takes no room', async () => {
    const { window, answers, enter, fill } = makeWindow();
    await fill();
    enter('late', { endsAt: Date.now() + 50 });
    enter('patient', { endsAt: Date.now() + 3_000_000_000 });
    await vi.advanceTimersByTimeAsync(49);
    expect(answers).toEqual([]);
    await vi.advanceTimersByTimeAsync(1);
    expect(answers).toEqual([['late', false]]);
    window.leave(false);
    await settled();
    expect(answers).toEqual([
      ['late', false],
      ['patient', true],
    ]);
    expect(window.enter({ endsAt: Date.now() + 50 })).toBeInstanceOf(Promise);
  });

  it('B1 leaves no timer once it is let in, and no longer listens to its signal', async () => {
    const { window, answers, enter, fill } = makeWindow();
    const controller = new AbortController();
    await fill();
    enter('a', { endsAt: Date.now() + 50, signal: controller.signal });
    window.leave(false);
    await settled();
    expect(answers).toEqual([['a', true]]);
    expect(vi.getTimerCount()).toBe(0);
    const clear = vi.spyOn(globalThis, 'clearTimeout');
    controller.abort();
    expect(clear).not.toHaveBeenCalled();
  });

  it('B1 stops waiting when its signal is aborted', async () => {
    const { window, answers, enter, fill } = makeWindow();
    await fill();
    const controller = new AbortController();
    enter('aborted', { signal: controller.signal });
    enter('next');
    controller.abort();
    await settled();
    expect(answers).toEqual([['aborted', false]]);
    window.leave(false);
    await settled();
    expect(answers.at(-1)).toEqual(['next', true]);
  });
});
