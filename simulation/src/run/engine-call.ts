import type { Environment } from '../world/environment.js';
import type { World } from '../world/world.js';
import type { Adversary, Decisions } from './adversary.js';
import type { Story } from './story.js';

/** Longest time after which a request that was sent is still carried out. */
const LATEST_MS = 5_000;

/** The world around the calls of an environment. */
export interface CallWorld {
  readonly world: World;
  readonly adversary: Adversary;
  readonly environment: Environment;
  readonly story: Story | undefined;
}

/** The answer of a database, or its error. */
export type Answer = { readonly output: unknown } | { readonly error: Error };

/** One call to a database. */
export interface EngineRequest {
  /** Whether it is too late to send it, in the environment's clock. */
  readonly isOver: () => boolean;
  /** Lets the database carry it out, now. `about` decides about what happens within it. */
  readonly apply: (about: Decisions) => Answer | Promise<Answer>;
  /** How the database refuses a request for which it is too busy, if it does. */
  readonly throttled: Error | undefined;
  /** How it says that it has failed, which may be before or after it carried the request out. */
  readonly serverError: Error;
  /** What the caller gets if the connection breaks. */
  readonly brokenConnection: Error;
}

/**
 * A call of an environment to a database, with the adversary on the way: before the request is sent, on its way,
 * and on the way of the answer, the environment may die or freeze, and messages may be lost, late or doubled.
 */
export class EngineCall {
  /** Environment and number of the call. */
  readonly name: string;
  readonly #options: CallWorld;
  readonly #request: EngineRequest;
  readonly #before: Decisions;
  readonly #after: Decisions;
  readonly #settle: (answer: Answer) => void;

  constructor(options: CallWorld, request: EngineRequest, settle: (answer: Answer) => void) {
    const { environment, adversary } = options;
    environment.calls += 1;
    this.name = `${environment.name} call ${environment.calls}`;
    this.#options = options;
    this.#request = request;
    this.#settle = settle;
    this.#before = adversary.about(`${this.name} request`);
    this.#after = adversary.about(`${this.name} answer`);
    this.#inEnvironment(this.#before, this.#before.random.below(3), () => this.#send());
  }

  /** Does something in the environment after some time, unless it dies; it may freeze for some time before. */
  #inEnvironment(decisions: Decisions, delayMs: number, work: () => void): void {
    const { world, environment, story } = this.#options;
    const go = (): void => {
      if (decisions.does('death')) {
        story?.tell(`${environment.name} dies`);
        environment.die();
        return;
      }
      if (!decisions.does('freeze')) return work();
      const freezeMs = decisions.freezeMs();
      story?.tell(`${environment.name} freezes for ${Math.round(freezeMs / 1_000)} s`);
      world.freeze(environment, freezeMs);
      environment.park({ work, isCancelled: false });
    };
    world.after(delayMs, go, environment);
  }

  #send(): void {
    const decisions = this.#before;
    const { isOver, throttled, brokenConnection } = this.#request;
    // A request is not sent after its time, however long the environment was frozen before.
    if (isOver() && !decisions.isForced('sent after its time')) return;
    if (throttled && decisions.does('throttled')) {
      this.#answerAfter(decisions.random.below(10), { error: throttled });
      return;
    }
    if (decisions.does('request lost')) {
      this.#answerAfter(decisions.random.below(1_000), { error: brokenConnection });
      return;
    }
    const { random } = decisions;
    const transitMs = decisions.does('applied late') ? random.below(LATEST_MS) : random.below(8);
    const isTwice = decisions.does('applied twice');
    const answersTwice = random.chance(0.5);
    this.#applyAfter(transitMs, !(isTwice && answersTwice));
    if (isTwice) this.#applyAfter(transitMs + random.below(LATEST_MS - transitMs), answersTwice);
  }

  /** Lets the database carry the request out after some time, whatever the environment does meanwhile. */
  #applyAfter(delayMs: number, isAnswered: boolean): void {
    this.#options.world.after(delayMs, () => {
      const answer = this.#request.apply(this.#after);
      const pass = (settled: Answer): void => {
        if (isAnswered) this.#answer(settled);
      };
      if (answer instanceof Promise) return answer.then(pass);
      pass(answer);
      return undefined;
    });
  }

  #answer(answer: Answer): void {
    const decisions = this.#after;
    const { random } = decisions;
    const { brokenConnection, serverError } = this.#request;
    if (decisions.does('no answer')) return;
    if (decisions.does('answer lost')) {
      this.#answerAfter(random.below(1_000), { error: brokenConnection });
    } else if (decisions.does('server error')) {
      this.#answerAfter(random.below(100), { error: serverError });
    } else {
      this.#answerAfter(random.below(8), answer);
    }
  }

  #answerAfter(delayMs: number, answer: Answer): void {
    this.#inEnvironment(this.#after, delayMs, () => this.#settle(answer));
  }
}
