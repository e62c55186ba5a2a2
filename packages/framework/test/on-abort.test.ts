import { describe, expect, it, vi } from 'vitest';
import { onAbort } from '../src/deliver/on-abort.js';

describe('a callback for the end of a signal', () => {
  it('is called once when the signal is aborted, in the order of arrival', () => {
    const controller = new AbortController();
    const calls: string[] = [];
    onAbort(controller.signal, () => calls.push('a'));
    onAbort(controller.signal, () => calls.push('b'));
    expect(calls).toEqual([]);
    controller.abort();
    expect(calls).toEqual(['a', 'b']);
  });

  it('is called at once if the signal is already aborted, and never without a signal', () => {
    const callback = vi.fn();
    expect(() => onAbort(undefined, callback)()).not.toThrow();
    expect(callback).not.toHaveBeenCalled();
    const remove = onAbort(AbortSignal.abort(), callback);
    expect(callback).toHaveBeenCalledOnce();
    expect(remove).not.toThrow();
  });

  it('is not called after it was removed, even by one that is called before it', () => {
    const controller = new AbortController();
    const early = vi.fn();
    const late = vi.fn();
    onAbort(controller.signal, early)();
    let removeLate = (): void => {};
    onAbort(controller.signal, () => removeLate());
    removeLate = onAbort(controller.signal, late);
    controller.abort();
    expect(early).not.toHaveBeenCalled();
    expect(late).not.toHaveBeenCalled();
  });

  it('shares one listener with all others of its signal', () => {
    const { signal } = new AbortController();
    const listen = vi.spyOn(signal, 'addEventListener');
    for (let count = 0; count < 100; count += 1) onAbort(signal, () => {});
    expect(listen).toHaveBeenCalledOnce();
  });
});
