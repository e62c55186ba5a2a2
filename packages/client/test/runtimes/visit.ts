import type { ClientOptions } from '../../src/index.js';
import { openVisitor } from './visitor.js';

/** What a visitor posts who makes a visit. */
export const VISIT = ['one', 'two', 'three'];

/** Enters the room, posts, leaves, and prints what the client said. */
export async function makeVisit(options: ClientOptions): Promise<void> {
  const visitor = openVisitor(options);
  await visitor.enter();
  await Promise.all(VISIT.map((text) => visitor.post(text)));
  visitor.leave();
  // oxlint-disable-next-line no-console -- it is how a program tells.
  console.log(JSON.stringify(visitor.journal));
}
