import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { deliveryTimes } from '../src/deliver/times.js';

const NOW = 1_000_000;

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
});
afterEach(() => {
  vi.useRealTimers();
});

it.each([
  ['leaves half a second', 10_000, 0, 9_500, 9_750],
  ['leaves twice the time of a post if that is longer', 10_000, 400, 9_200, 9_600],
  ['takes half of a short time', 600, 0, 300, 450],
  ['takes half of the time if posts are slow', 1_000, 3_000, 500, 750],
  ['ends after 25 s even if there is more time', 60_000, 0, 24_750, 25_000],
  ['ends after 25 s without a time limit', Infinity, 400, 24_750, 25_000],
  ['does not begin without time left', 0, 0, 0, 0],
])('B1 a delivery %s', (_what, leftMs, p99Ms, beginMs, cutMs) => {
  expect(deliveryTimes({ endsAt: NOW + leftMs }, p99Ms)).toEqual({
    beginUntil: NOW + beginMs,
    cutAt: NOW + cutMs,
  });
});
