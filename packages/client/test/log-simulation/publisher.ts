import type { ChannelEventBody } from '@gatecast/protocol';
import type { Connection } from './connection.js';
import type { LogServer } from './server.js';
import { channelNames, LARGEST_FRAME, type ServerStep } from './steps.js';
import type { Content } from './true-log.js';

/** Between the write of an event and the read of the subscribers. */
const FAN_OUT_MS = 40;
/** An event may be under way for so long, when all goes wrong. */
const LATEST_MS = 20_000;
/** The server tries for so long to deliver one, so that a client has to keep the first of two connections. */
const LINGER_MS = 4_000;

/** Publishes: an event is in the log first, and then it is pushed to those who are subscribed. */
export class Publisher {
  readonly #server: LogServer;
  #events = 0;

  constructor(server: LogServer) {
    this.#server = server;
  }

  perform(step: ServerStep & { readonly do: 'publish' }): void {
    const { channel: index, kind, times, withinMs } = step;
    const { time } = this.#server.world;
    const channel = channelNames[index] as string;
    if (kind === 'events') {
      this.publish(
        channel,
        Array.from({ length: times }, () => this.#content('message')),
      );
      return;
    }
    for (let count = 0; count < times; count += 1) {
      time.after(Math.round(withinMs / times) * count, () => {
        const content = {
          ...this.#content(kind === 'other name' ? 'other' : 'message'),
          ...(kind === 'op' && { op: 'append' }),
        };
        if (kind === 'ephemeral') this.#push(channel, [this.#unkept(channel, content)]);
        else this.publish(channel, [content]);
      });
    }
  }

  /** Some events on each channel, one after the other, while the client moves to another connection. */
  burst(): void {
    for (const channel of channelNames.keys()) {
      const step = { who: 'server', atMs: 0, do: 'publish', channel, kind: 'event' } as const;
      this.perform({ ...step, times: 4, withinMs: 2_000 });
    }
  }

  /** One event, for which nothing goes wrong; or one that nobody is told of. */
  publishLast(channel: string, isPushed: boolean): void {
    if (isPushed) this.publish(channel, [this.#content('message')]);
    else this.#server.logs.get(channel)?.append(this.#content('message'), Date.now());
  }

  publish(channel: string, contents: readonly Content[]): void {
    const log = this.#server.logs.get(channel);
    const bodies = contents.map((content) =>
      log ? log.append(content, Date.now()).body : this.#unkept(channel, content),
    );
    const { time, random } = this.#server.world;
    time.after(random.between(0, FAN_OUT_MS), () => this.#push(channel, bodies));
  }

  #unkept(channel: string, content: Content): ChannelEventBody {
    const { n } = content.data as { readonly n: number };
    const isFor = content.op === undefined ? content.event : 'nobody';
    this.#server.checks.of(channel).publishes(content.id, isFor, n);
    return { ...content, at: Date.now() };
  }

  #content(event: string): Content {
    this.#events += 1;
    return { event, data: { n: -this.#events }, id: `event-${this.#events}` };
  }

  #push(channel: string, bodies: readonly ChannelEventBody[]): void {
    const { world, connections } = this.#server;
    const { random } = world;
    for (const connection of connections) {
      if (!connection.members.has(channel)) continue;
      if (world.draw('losePush')) {
        world.note('push lost', `#${connection.number}`, bodies[0]?.position ?? bodies[0]?.id);
        continue;
      }
      let lateMs: number | undefined;
      if (world.draw('latePush')) lateMs = random.between(1_000, LATEST_MS);
      else if (world.draw('reorderPush')) lateMs = random.between(10, 1_500);
      this.#send(connection, channel, bodies, lateMs);
      const isReplaced = connections.some(
        ({ number, members }) => number > connection.number && members.has(channel),
      );
      // Later, the connection may have been replaced; if it is already, the next one has to bring them.
      if ((lateMs ?? 0) < LINGER_MS && !isReplaced) {
        for (const { id, position } of bodies) {
          if (position === undefined) this.#server.checks.of(channel).sends(id);
        }
      }
      if (world.draw('doublePush')) {
        this.#send(connection, channel, bodies, random.between(0, LATEST_MS));
      }
    }
  }

  // oxlint-disable-next-line max-params -- where, what, and how late.
  #send(
    connection: Connection,
    channel: string,
    bodies: readonly ChannelEventBody[],
    lateMs: number | undefined,
  ): void {
    const [first] = bodies;
    const isCut = first?.position !== undefined && bodies.length > LARGEST_FRAME;
    const events = isCut ? bodies.slice(0, LARGEST_FRAME) : bodies;
    const frame =
      bodies.length === 1
        ? { type: 'event', channel, ...first }
        : { type: 'events', channel, events, ...(isCut && { more: true }) };
    const check = this.#server.checks.of(channel);
    const onArrival = (): void => {
      for (const { id, position } of bodies) if (position === undefined) check.arrives(id);
    };
    connection.push(frame, { onArrival, lateMs });
  }
}
