import * as fc from 'fast-check';
import { expect, it } from 'vitest';
import { Bag, type BagItem } from './bag.js';

it('holds what was added and not removed, whatever the order', () => {
  const step = fc.record({ adds: fc.boolean(), removed: fc.nat() });
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const bag = new Bag<number>();
      const added: BagItem<number>[] = [];
      const present = new Set<number>();
      for (const { adds, removed } of steps) {
        // Any added item, which may have been removed before.
        const item = added[removed % (added.length || 1)];
        const was = item !== undefined && present.delete(item.value);
        expect(item !== undefined && bag.remove(item)).toBe(was);
        if (adds) {
          present.add(added.length);
          added.push(bag.add(added.length));
        }
        expect(new Set(bag.items.map(({ value }) => value))).toEqual(present);
        expect(bag.isEmpty).toBe(present.size === 0);
      }
    }),
  );
});
