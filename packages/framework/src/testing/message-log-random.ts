import { strict as assert } from 'node:assert';
import type { Position } from '@gatecast/protocol';
import { type Draw, drawFrom } from './draw.js';
import {
  CheckedLog,
  HOUR_MS,
  type LogCheck,
  type LogSubject,
  MINUTE_MS,
} from './message-log-fixtures.js';

const STEPS = 150;

/** A position: of an entry, of the start, of the future, or with another epoch or tag. */
function drawPosition(draw: Draw, { model }: CheckedLog): Position {
  const positions = [model.start, ...model.entries.map(({ position }) => position)];
  // Mostly one of the last ones.
  const index = draw(3) === 0 ? draw(positions.length) : positions.length - 1 - draw(20);
  const position = positions[Math.max(0, index)] ?? model.start;
  const kind = draw(12);
  if (kind === 0) return { ...position, epoch: 'AAAAAAAAAAAA' };
  if (kind === 1) return { ...position, offset: position.offset + draw(30) };
  if (kind === 2) return { ...position, tag: 'AAAAAA' };
  return position;
}

const actions: readonly ((channel: CheckedLog, draw: Draw) => Promise<unknown>)[] = [
  (channel, draw) => channel.fill(draw(4)),
  (channel, draw) => channel.appendAll(Array.from({ length: draw(6) }, () => channel.request())),
  async (channel, draw) => {
    const known = channel.model.entries[draw(channel.model.entries.length)]?.request;
    const hash = draw(3) === 0 ? 'other' : 'hash';
    const onOtherHash = draw(2) === 0 ? 'refuse' : 'keep-first';
    const result = known && (await channel.append({ ...known, hash, onOtherHash }));
    if (result?.result === 'appended') await result.finish?.(Promise.resolve(undefined));
  },
  (channel, draw) => channel.head(draw(2) === 0),
  (channel, draw) =>
    channel.readAfter(drawPosition(draw, channel), {
      limit: 1 + draw(20),
      maxBytes: draw(2) === 0 ? 1e6 : draw(200),
      keep: draw(2) === 0,
    }),
  (channel, draw) =>
    channel.readBefore(draw(4) === 0 ? undefined : drawPosition(draw, channel), {
      limit: 1 + draw(20),
      maxBytes: draw(2) === 0 ? 1e6 : draw(200),
      keep: draw(2) === 0,
    }),
];

async function act(subject: LogSubject, channel: CheckedLog, draw: Draw): Promise<void> {
  const kind = draw(30);
  if (kind === 0) return channel.purge();
  if (kind === 1) return subject.clock.advance(draw(3 * HOUR_MS));
  if (kind < 4) return subject.clock.advance(draw(10 * MINUTE_MS));
  await actions[draw(actions.length)]?.(channel, draw);
}

/** Checks of calls in random order. */
export const randomChecks: readonly LogCheck[] = [
  {
    name: 'agrees with a model in random calls',
    run: async (subject) => {
      for (let round = 0; round < 4; round += 1) {
        const draw = drawFrom(subject.seed + round);
        const channel = new CheckedLog(subject, {
          retentionSeconds: 600 + draw(2) * 3_000,
          ...(draw(2) === 0 && { maxEntries: 1 + draw(30) }),
        });
        await channel.head();
        for (let step = 0; step < STEPS; step += 1) {
          try {
            await act(subject, channel, draw);
          } catch (cause) {
            const reason = cause instanceof Error ? cause.message : String(cause);
            const where = `round ${round}, step ${step}, seed ${subject.seed}`;
            throw new assert.AssertionError({ message: `${reason} (${where})` });
          }
        }
        await channel.readEverywhere();
      }
    },
  },
];
