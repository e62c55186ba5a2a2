import { World } from '../simulation/world.js';
import type { LogPlan } from './plan.js';

/** What must never happen, by the name that is reported. */
export const logKinds = [
  'an event twice',
  'an event out of order',
  'a gap that nobody told',
  'an event lost',
  'not everything came',
  'an event of no use',
  'an event after leaving',
  'an event within a handler',
  'a call after its end',
  'a position ahead of the handlers',
  'a wrong position',
  'a position that is not forgotten',
  'a reset without a reason',
  'a reset that is not told',
  'a wrong answer',
  'an answer comes too late',
  'a message twice',
  'a message lost',
  'messages out of order',
  'a hand-over that is seen',
  'a request of no need',
  'a storm',
  'a frame at a bad time',
  'an unhandled rejection',
  'an uncaught exception',
] as const;
export type LogKind = (typeof logKinds)[number];

/** What all parts of one run share. */
export class LogWorld extends World<LogPlan, LogKind> {}
