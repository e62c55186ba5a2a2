import { expect, test } from 'vitest';
import { manifest, newApi, newStack, type Route, resourcesOf } from './synthesized.js';

function messages(count: number, twoWay: boolean): readonly Route[] {
  return Array.from({ length: count }, (_, index) => ({
    routeKey: `rooms.m${index}`,
    integration: 'lambda',
    twoWay,
  }));
}

function countOf(routes: readonly Route[]): number {
  const stack = newStack();
  newApi({ routes: manifest({}, routes) }, stack);
  return Object.keys(resourcesOf(stack)).length;
}

test('100 two-way routes are less than 300 resources', () => {
  expect(countOf(messages(94, true))).toBeLessThan(300);
});

test.each([
  [290, false],
  [220, true],
])('%i routes fit into a stack (two-way: %s)', (count, twoWay) => {
  expect(countOf(messages(count, twoWay))).toBeLessThanOrEqual(500);
});

test('what does not fit is refused with what to do', () => {
  expect(() => countOf(messages(250, true))).toThrowErrorMatchingSnapshot();
});
