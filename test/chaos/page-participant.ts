import { setTimeout as sleep } from 'node:timers/promises';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { RedisProxy } from '../../packages/adapters/test/engines/redis-proxy.js';
import type { Line } from './diary.js';
import type { PageOptions } from './page/page.js';
import type { Participant, ParticipantOptions } from './participant.js';

/** Longer than the latest hand-over after the beginning of a connection. */
const LONG_MS = 116 * 60_000;
const HAND_OVER_MS = 15_000;

/** A client in a page of Chromium, with a storage and a network of its own. */
export class PageParticipant implements Participant {
  readonly name: string;
  readonly channels: readonly string[];
  readonly network: RedisProxy;
  readonly #context: BrowserContext;
  readonly #page: Page;
  readonly #url: string;
  /** One after the other, because a reload ends whatever is asked of the page. */
  #last: Promise<unknown> = Promise.resolve();

  private constructor(
    { name, channels, seed, port, path }: ParticipantOptions,
    parts: { network: RedisProxy; context: BrowserContext; page: Page },
  ) {
    this.name = name;
    this.channels = channels;
    this.network = parts.network;
    this.#context = parts.context;
    this.#page = parts.page;
    const url = `ws://127.0.0.1:${parts.network.port}${path}`;
    const options: PageOptions = { name, url, channels, seed };
    this.#url = `http://localhost:${port}/?options=${encodeURIComponent(JSON.stringify(options))}`;
  }

  static async open(browser: Browser, options: ParticipantOptions): Promise<PageParticipant> {
    const network = await RedisProxy.start(options.port);
    const context = await browser.newContext();
    const page = await context.newPage();
    await page.clock.install();
    const participant = new PageParticipant(options, { network, context, page });
    await page.goto(participant.#url);
    return participant;
  }

  /** Resolves when the page has subscribed, which it does by itself. */
  join(): Promise<void> {
    return this.#ask('chaos.joined');
  }

  talk(): Promise<void> {
    return this.#ask('chaos.talk()');
  }

  stop(): Promise<void> {
    return this.#ask('chaos.stop()');
  }

  tails(): Promise<Readonly<Record<string, string>>> {
    return this.#ask('chaos.member.tails');
  }

  lines(): Promise<readonly Line[]> {
    return this.#ask('chaos.lines()');
  }

  reload(): Promise<void> {
    return this.#inTurn(async () => void (await this.#page.reload()));
  }

  /** Lets two hours pass in the page. Returns whether it opened another connection beside its own. */
  handOver(): Promise<boolean> {
    return this.#inTurn(async () => {
      const count = (): Promise<number> => this.#page.evaluate('chaos.handOvers');
      const before = await count();
      await this.#page.clock.fastForward(LONG_MS);
      for (const start = Date.now(); Date.now() - start < HAND_OVER_MS; await sleep(50)) {
        if ((await count()) > before) return true;
      }
      return false;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#context.close();
    await this.network[Symbol.asyncDispose]();
  }

  #ask<T>(expression: string): Promise<T> {
    return this.#inTurn(() => this.#page.evaluate<T>(expression));
  }

  #inTurn<T>(action: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(action, action);
    this.#last = turn;
    return turn;
  }
}
