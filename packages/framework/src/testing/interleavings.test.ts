import { describe, expect, it } from 'vitest';
import { drive } from './interleaving-trials.js';
import {
  type Caller,
  type Choose,
  EngineGate,
  explore,
  type Fault,
  type Step,
} from './interleavings.js';

/** Runs two callers that each write their name twice, through a gate. */
async function writeTwice(choose: Choose): Promise<string> {
  const gate = new EngineGate();
  let written = '';
  const work = (name: string) => async () => {
    for (let call = 0; call < 2; call += 1) {
      await gate.step(async () => {
        written += name;
      });
    }
  };
  await drive([gate.start('a', work('a')), gate.start('b', work('b'))], choose);
  return written;
}

/** The orders of two callers that {@link explore} tried. */
async function ordersOf(runs: number, seed: number): Promise<string[]> {
  const orders: string[] = [];
  await explore({ runs, seed }, async (choose) => void orders.push(await writeTwice(choose)));
  return orders;
}

/** One caller with one call, which suffers a fault. */
async function oneCall(
  fault?: Fault,
): Promise<{ readonly calls: number; readonly caller: Caller }> {
  const gate = new EngineGate();
  let calls = 0;
  const caller = gate.start('one', () => gate.step(async () => (calls += 1)));
  await caller.rest();
  expect(calls).toBe(0);
  await caller.release(0, fault);
  return { calls, caller };
}

describe('explore()', () => {
  it('tries every order once, and then ends', async () => {
    const orders = await ordersOf(100, 1);
    expect(orders).toHaveLength(6);
    expect([...orders].sort()).toEqual(['aabb', 'abab', 'abba', 'baab', 'baba', 'bbaa']);
  });

  it('tries random orders by the seed if there are too many', async () => {
    const [one, same, other] = [await ordersOf(8, 1), await ordersOf(8, 1), await ordersOf(8, 5)];
    expect(one).toHaveLength(8);
    expect(same).toEqual(one);
    expect(other.slice(0, 4)).toEqual(one.slice(0, 4));
    expect(other).not.toEqual(one);
  });

  it('lists the choices in an error', async () => {
    const run = async (choose: Choose): Promise<void> => {
      choose(['first', 'second']);
      if (choose(['left', 'right']) === 1) throw new Error('It broke.');
    };
    await expect(explore({ runs: 9, seed: 1 }, run)).rejects.toThrow(
      'It broke.\nThe choices were:\n- first\n- right',
    );
  });
});

describe('EngineGate', () => {
  it('passes on a call and its failure', async () => {
    const { calls, caller } = await oneCall();
    expect(calls).toBe(1);
    expect(caller.outcome).toEqual({ status: 'fulfilled', value: 1 });
    const gate = new EngineGate();
    const failing = gate.start('one', () => gate.step(() => Promise.reject(new Error('no'))));
    await failing.rest();
    await failing.release(0);
    expect(failing.outcome).toEqual({ status: 'rejected', reason: new Error('no') });
  });

  it('makes a call whose answer is lost', async () => {
    const { calls, caller } = await oneCall('its answer is lost');
    expect(calls).toBe(1);
    expect(caller).toMatchObject({ isRepeating: true, isDead: false });
    expect(caller.outcome).toMatchObject({ status: 'rejected', reason: { code: 'ECONNRESET' } });
  });

  it.each([
    ['its caller dies before it', 0],
    ['its caller dies after it', 1],
  ] as const)('never lets a caller continue when %s', async (fault, expected) => {
    const { calls, caller } = await oneCall(fault);
    expect(calls).toBe(expected);
    expect(caller).toMatchObject({ isDead: true, waiting: [], outcome: undefined });
  });

  it('holds several calls that a caller makes at once, but not calls without a caller', async () => {
    const gate = new EngineGate();
    const double = (step: Step, value: number) => step(async () => value * 2);
    const caller = gate.start('one', () =>
      Promise.all([double(gate.step, 1), double(gate.step, 2)]),
    );
    await caller.rest();
    expect(caller.waiting).toEqual(['one, call 1', 'one, call 2']);
    await caller.release(1);
    expect(caller.waiting).toEqual(['one, call 1']);
    await expect(double(gate.step, 3)).resolves.toBe(6);
    await caller.release(0);
    expect(caller.outcome).toEqual({ status: 'fulfilled', value: [2, 4] });
  });
});
