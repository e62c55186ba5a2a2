import { expect, vi } from 'vitest';
import { startCommand } from '../../../../test/running-command.js';
import { PATIENCE, Room } from './room.js';
import { VISIT } from './visit.js';
import type { Journal } from './visitor.js';

/**
 * Runs a program that makes a visit, and expects it to end by itself. It is refused at first, and its
 * connection is cut once.
 */
export async function expectVisit(command: string, args: readonly string[]): Promise<void> {
  await using room = await Room.open();
  room.cutsAt = 'two';
  room.shut();
  await using running = startCommand(command, [...args, room.url]);
  await vi.waitFor(() => {
    if (room.handshakes > 1) return;
    throw new Error(`${command} has tried ${room.handshakes} times. ${running.output.stderr}`);
  }, PATIENCE);
  room.reopen();
  const { code, stdout, stderr } = await running.ended;
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const { states, ...journal } = JSON.parse(stdout) as Journal;
  expect(journal).toEqual({ events: VISIT, answers: VISIT });
  expect(states.join(' ')).toMatch(
    /^connecting (waiting connecting )+connected waiting connecting connected closed$/,
  );
  expect(room.posts).toEqual(['one', 'two', 'two (again)', 'three']);
  await room.has(0);
}
