import { type Position, parsePosition, type SubscribeReply } from '@gatecast/protocol';
import type { App } from '../../../packages/framework/src/app/create-app.js';
import { LiveCheck } from '../check/live-check.js';
import { ReaderCheck } from '../check/reader-check.js';
import { Client, type Subscribed } from '../client/client.js';
import type { FailOverOperation, Operation, PublishOperation } from '../run/plan.js';
import { CHANNEL, type Scene } from '../run/scene.js';
import { ApiGateway } from './api-gateway.js';
import { roomApp } from './room-app.js';

/** How long clients stay to get what is left: until they have asked once whether they missed the end. */
const SETTLED_AFTER_MS = 1_060_000;
/** Who is away for longer closes the page; for less, it is the network that is gone. */
const LONGEST_OUTAGE_MS = 60_000;

/** A run of an app: clients connect through API Gateway, subscribe, post and come back. */
export class AppRun {
  readonly #scene: Scene;
  readonly #live: LiveCheck;
  readonly #readers: ReaderCheck;
  readonly #gateway: ApiGateway;
  readonly #clients: readonly Client[];
  /** Requests about which the app has reported something. */
  readonly #troubled = new Set<string | undefined>();
  readonly #awayUntil = new Map<number, number>();

  constructor(scene: Scene) {
    this.#scene = scene;
    const { world, report, truth, plan } = scene;
    this.#live = new LiveCheck(() => world.now, report);
    this.#readers = new ReaderCheck(truth, report);
    this.#gateway = this.#makeGateway();
    this.#clients = Array.from({ length: plan.clients }, (_, index) => this.#makeClient(index));
  }

  async run(): Promise<void> {
    const { world, random } = this.#scene;
    for (const [index, client] of this.#clients.entries()) {
      world.after(random.below(2_000), () => {
        if (!this.#awayUntil.has(index)) client.start();
      });
    }
    await this.#scene.play(
      (operation) => this.#do(operation),
      () => this.#settle(),
    );
    this.#live.checkAll();
    const { end } = this.#scene;
    for (const client of this.#clients) this.#checkEnd(client, end);
  }

  /** After a quiet time everybody has everything. */
  #checkEnd({ name, position }: Client, end: Position | undefined): void {
    const { report } = this.#scene;
    if (position?.epoch !== end?.epoch || position?.offset !== end?.offset) {
      report('order', `${name} is at ${position?.offset}, but the log ends at ${end?.offset}.`);
    }
    if (end) this.#readers.checkEnd(name, end);
  }

  /** Lets every client come, get what it has missed, and go. */
  #settle(): void {
    const { world } = this.#scene;
    for (const client of this.#clients) client.start();
    world.after(SETTLED_AFTER_MS - 1_000, () => this.#scene.check());
    world.after(SETTLED_AFTER_MS, () => {
      const { end } = this.#scene;
      for (const client of this.#clients) {
        this.#checkEnd(client, end);
        client.stop();
      }
    });
  }

  #do(operation: Exclude<Operation, FailOverOperation>): void {
    switch (operation.does) {
      case 'publish':
        this.#publish(operation);
        return;
      case 'leave':
        this.#leave(operation.client, operation.forMs);
        return;
      case 'read':
        this.#clients[operation.client]?.read(operation.limit);
        return;
      case 'history':
      case 'head':
        this.#call('reads the history', async (app) => {
          await app.channel(CHANNEL).history({ limit: 10 });
        });
        return;
      case 'purge':
        this.#call('purges', async (app) => {
          const begun = this.#scene.truth.readBegins();
          await app.channel(CHANNEL).purge();
          this.#scene.truth.hasPurged(begun);
        });
        return;
      case 'check':
        this.#scene.check();
    }
  }

  #publish({ client, id, content, againMs }: PublishOperation): void {
    const { truth, world, counts } = this.#scene;
    const data = { id, content };
    truth.submitted(id, JSON.stringify(data));
    counts.publishes += 1;
    const message = { id, channel: CHANNEL, data, since: world.now };
    const sender = this.#clients[client];
    sender?.post(message);
    for (const delayMs of againMs) world.after(delayMs, () => sender?.repeat(message));
  }

  #leave(index: number, forMs: number): void {
    const { world } = this.#scene;
    const client = this.#clients[index];
    const until = Math.max(this.#awayUntil.get(index) ?? 0, world.now + forMs);
    this.#awayUntil.set(index, until);
    if (forMs > LONGEST_OUTAGE_MS) client?.stop();
    else client?.loseNetwork();
    world.after(forMs, () => {
      if (this.#awayUntil.get(index) === until) client?.start();
    });
  }

  /** Lets the function do something that no client has asked for. */
  #call(what: string, work: (app: App) => Promise<void>): void {
    this.#gateway.fleet.invoke(async (app, { name }) => {
      this.#scene.story?.tell(`${name} ${what}`);
      try {
        await work(app);
      } catch (error) {
        this.#scene.failed(error);
      }
    });
  }

  #makeGateway(): ApiGateway {
    const { scene } = this;
    const { retentionSeconds, maxEntries } = scene.plan;
    const history = { retentionSeconds, ...(maxEntries !== undefined && { maxEntries }) };
    return new ApiGateway({
      scene,
      load: (environment, gateway) =>
        roomApp({
          store: scene.load(environment),
          gateway,
          history,
          onPublished: ({ id }, { position }, requestId) =>
            this.#published(id, position, requestId),
          onError: (error, requestId) => this.#troubledBy(error, requestId),
        }),
      watch: {
        answered: (connection, request, response) => {
          const outcome = subscribeOutcomeOf(request, response);
          if (!outcome) return;
          const position = parsePosition(outcome.position);
          if (position && outcome.result) this.#live.subscribed(connection, position);
          else this.#live.disturbed(connection);
        },
        disturbed: (connection) => this.#live.disturbed(connection),
        posted: (connectionId, frame) => this.#live.posted(connectionId, frame),
      },
    });
  }

  #makeClient(index: number): Client {
    const { scene } = this;
    const name = `client ${index + 1}`;
    const { story, counts } = scene;
    return new Client({
      scene,
      gateway: this.#gateway,
      name,
      rewind: index % 2 === 0 ? 0 : 5,
      watch: {
        begin: (client, position) => this.#readers.begin(client, position),
        ended: (client) => {
          story?.tell(`${client} is told that its subscription has ended`);
          this.#readers.ended(client);
        },
        delivered: (client, position, event) => {
          counts.delivered += 1;
          story?.tell(`${client} gets offset ${position.offset}`);
          this.#readers.delivered(client, position, event);
        },
        reset: (client, reason, position) => {
          counts.resets += 1;
          story?.tell(`${client} is told ${reason}, at ${position.offset}`);
          this.#readers.reset(client, reason, position);
        },
        sending: (id, isAgain) => {
          if (isAgain) counts.resends += 1;
          story?.tell(`${name} sends ${id}${isAgain ? ' again' : ''}`);
        },
      },
    });
  }

  get scene(): Scene {
    return this.#scene;
  }

  #published(id: string, text: string | undefined, requestId: string): void {
    const { truth, counts, story } = this.#scene;
    const position = parsePosition(text);
    if (!position) return this.#scene.report('answer', `${id} was published without a position.`);
    counts.acknowledged += 1;
    story?.tell(`${id} is published at ${position.offset} (${requestId})`);
    truth.checkPosition(position, id);
    const isPurged = truth.mayBePurged(position);
    if (!isPurged && !this.#troubled.has(requestId)) this.#live.published(id, position);
    return undefined;
  }

  #troubledBy(error: unknown, requestId: string | undefined): void {
    const { name, message, code } = error as Error & { readonly code?: string };
    this.#troubled.add(requestId);
    this.#scene.story?.tell(`${requestId}: ${message}`);
    const isExpected =
      /^(StoreError|DeliveryError|ClientError)$/.test(name) || TIMES.has(code ?? '');
    if (!isExpected) this.#scene.report('end', `${name}: ${message}`);
  }
}

/** Errors of work that took too long. */
const TIMES = new Set(['ERR_HANDLER_TIMEOUT', 'ERR_INVOCATION_OVER']);

/** The outcome for the channel; empty if a subscribe frame was refused, or the client has left. */
function subscribeOutcomeOf(request: string, response: string): Partial<Subscribed> | undefined {
  const { action } = JSON.parse(request) as { readonly action: string };
  // A client leaves by itself when it has waited too long for the answer to its subscribe frame.
  if (action === 'unsubscribe') return {};
  if (action !== 'subscribe') return undefined;
  const { data } = JSON.parse(response) as { data?: SubscribeReply };
  const [outcome] = data?.channels ?? [];
  return outcome && 'result' in outcome ? outcome : {};
}
