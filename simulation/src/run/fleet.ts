import type { Environment } from '../world/environment.js';
import type { Random } from '../world/random.js';
import type { World } from '../world/world.js';

const MOST_SKEW_MS = 2_000;

/** An environment with what it has loaded: an instance of the app or of the store. */
interface Member<I> {
  readonly environment: Environment;
  readonly instance: I;
  isBusy: boolean;
}

/** What a fleet is made of. */
export interface FleetOptions<I> {
  readonly world: World;
  readonly name: string;
  /** Most environments at once, dead ones not counted. */
  readonly size: number;
  /** Makes what an environment loads before its first call. */
  readonly load: (environment: Environment) => I;
}

/**
 * The execution environments of a Lambda function. Each handles one call at a time, and stands still between
 * calls: what an earlier call has left behind goes on in the next one.
 */
export class Fleet<I> {
  readonly #options: FleetOptions<I>;
  readonly #random: Random;
  #members: Member<I>[] = [];
  #born = 0;

  constructor(options: FleetOptions<I>) {
    this.#options = options;
    this.#random = options.world.random.fork(`fleet ${options.name}`);
  }

  /**
   * Lets an environment that is free, or a new one, do some work.
   *
   * @param work - Called in the environment. If that dies, the promise never settles.
   */
  invoke(work: (instance: I, environment: Environment) => Promise<void>): void {
    const { world } = this.#options;
    const member = this.#free() ?? this.#bear();
    const { environment, instance } = member;
    member.isBusy = true;
    world.thaw(environment);
    const end = (): void => {
      member.isBusy = false;
      world.freeze(environment, Infinity);
    };
    world.after(0, () => void work(instance, environment).then(end, end), environment);
  }

  #free(): Member<I> | undefined {
    this.#members = this.#members.filter(({ environment }) => !environment.isDead);
    const free = this.#members.filter(({ isBusy }) => !isBusy);
    const mayGrow = this.#members.length < this.#options.size;
    if (free.length === 0 || (mayGrow && this.#random.chance(0.3))) return undefined;
    return this.#random.pick(free);
  }

  #bear(): Member<I> {
    const { world, name, load } = this.#options;
    this.#born += 1;
    const skewMs = this.#random.between(-MOST_SKEW_MS, MOST_SKEW_MS);
    const environment = world.environment(`${name}${this.#born}`, skewMs);
    const outer = world.current;
    world.current = environment;
    const member = { environment, instance: load(environment), isBusy: false };
    world.current = outer;
    this.#members.push(member);
    return member;
  }
}
