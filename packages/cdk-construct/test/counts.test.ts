import { CfnWaitConditionHandle, NestedStack } from 'aws-cdk-lib';
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

/** The routes of the framework: connecting, `ping` and so on. */
const OTHERS = 6;

test('100 two-way routes are fewer than 300 resources', () => {
  expect(countOf(messages(100 - OTHERS, true))).toBeLessThan(300);
});

test.each([
  [290, false],
  [220, true],
])('%i routes fit into a stack (two-way: %s)', (count, twoWay) => {
  expect(countOf(messages(count - OTHERS, twoWay))).toBeLessThanOrEqual(500);
});

test("a nested stack's resources do not count", () => {
  const stack = newStack();
  const nested = new NestedStack(stack, 'Nested');
  for (let index = 0; index < 490; index += 1) {
    new CfnWaitConditionHandle(nested, `Handle${index}`);
  }
  newApi({}, stack);
  expect(() => resourcesOf(stack)).not.toThrow();
});

test('what does not fit is refused with what to do', () => {
  expect(() => countOf(messages(241, true))).toThrowErrorMatchingSnapshot();
});
