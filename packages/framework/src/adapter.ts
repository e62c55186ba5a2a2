/**
 * Building blocks for a store or another adapter of your own: time limits, waits between attempts,
 * bounded parallelism, slices, checks of options, partitions of AWS, and signatures for requests to it.
 *
 * @module @gatecast/framework/adapter
 */

export type { Partition } from './deliver/apigw/regions.js';
export { partitionOf } from './deliver/apigw/regions.js';
export type { Credentials, RequestToSign, Sign } from './deliver/apigw/sign.js';
export { sha256, signer } from './deliver/apigw/sign.js';
export type { OptionType, OptionTypes } from './errors/check-options.js';
export { checkOptions, option } from './errors/check-options.js';
export { lazyLog } from './store/lazy-log.js';
export { logLifeMs } from './store/log-life.js';
export { idOfSliceKey, sliceKey, sliceOf, sliceStart } from './store/slice.js';
export type { Backoff } from './time/backoff.js';
export { backoffMs } from './time/backoff.js';
export { inParallel } from './time/in-parallel.js';
export type { TimeLimit } from './time/time-limit.js';
export { MAX_TIMER_MS, pause, timeLeftMs, withinTime } from './time/time-limit.js';
