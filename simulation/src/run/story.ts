import { WORLD_BEGINS_AT, type World } from '../world/world.js';

/** What happens in a run, line by line, for people. */
export class Story {
  readonly lines: string[] = [];
  readonly #world: World;
  readonly #describe: DescribeCall;

  constructor(world: World, describe: DescribeCall) {
    this.#world = world;
    this.#describe = describe;
  }

  tell(text: string): void {
    this.lines.push(`${timeOf(this.#world.now - WORLD_BEGINS_AT)}  ${text}`);
  }

  tellCall(who: string, operation: string, call: DescribedCall): void {
    this.tell(`${who}: ${this.#describe(operation, call)}`);
  }
}

/** A call to the database with its answer. */
export interface DescribedCall {
  readonly input: object;
  readonly answer: { readonly output: unknown } | { readonly error: Error };
}

export type DescribeCall = (operation: string, call: DescribedCall) => string;

/** A time since the beginning of a run: `2d 03:04:05.678`. */
function timeOf(ms: number): string {
  const days = Math.floor(ms / 86_400_000);
  const time = new Date(ms % 86_400_000).toISOString().slice(11, 23);
  return days > 0 ? `${days}d ${time}` : time;
}
