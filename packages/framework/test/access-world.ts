import {
  type AccessRule,
  type ChannelType,
  defineChannel,
  GatecastError,
  type Identity,
  type Store,
} from '@gatecast/framework';
import { createTestApp, type TestConnection } from '@gatecast/framework/testing';
import { type Ear, listen } from './heard.js';

type RoomRule = Exclude<AccessRule<'rooms/:roomId'>, string>;

/** Options of {@link World}. */
export interface WorldOptions {
  /** The rule of `rooms/:roomId`. @default allowed if `rights` has the room */
  readonly rule?: RoomRule;
  readonly hasAuthorizer?: boolean;
  readonly isAuthorizerDeployed?: boolean;
  readonly store?: Store;
}

/** A run of a handler, and whether it was allowed. */
interface Run {
  readonly what: string;
  readonly channel: string;
  readonly userId: string | undefined;
  readonly wasAllowed: boolean;
}

const HISTORY = { retentionSeconds: 600 };

/** Channels on which test events are published to see who gets them. */
export const PROBES = [
  'lobby',
  'members',
  'users/eve',
  'users/root',
  'rooms/admin',
  'rooms/1',
  'rooms/2',
];

/**
 * An app with every kind of access, a user `eve` who attacks it, and a model of her rights that does not
 * share code with the framework.
 */
export class World {
  /** The rooms that eve may use. */
  readonly rights: Set<string> = new Set();
  /** The result of the authorizer. */
  identity: Identity = { userId: 'eve' };
  /** The user id that eve's handlers must see. */
  readonly who: string | undefined;
  readonly runs: Run[] = [];
  readonly clients: TestConnection[] = [];
  readonly ear: Ear = listen();
  readonly test: ReturnType<typeof createTestApp>;

  constructor({
    rule,
    hasAuthorizer = true,
    isAuthorizerDeployed = true,
    store,
  }: WorldOptions = {}) {
    this.who = hasAuthorizer ? 'eve' : undefined;
    const messages = ({ message }: { message: (handle: Handle) => never }) => ({
      post: message((_data, ctx) => this.#run('message', ctx)),
    });
    const handlers = {
      history: HISTORY,
      onSubscribe: (ctx: HandlerContext) => this.#run('subscribe', ctx),
      messages: messages as never,
    };
    const rooms = defineChannel('rooms/:roomId', {
      ...handlers,
      access: rule ?? (({ channel }) => this.rights.has(channel)),
      autoSubscribe: ({ claims }) =>
        claims['room'] === undefined ? undefined : { roomId: claims['room'] as string },
    });
    const admin = defineChannel('rooms/admin', {
      ...handlers,
      name: 'admin',
      access: ({ connection }) => connection.userId === 'root',
    });
    const users = defineChannel('users/:userId', {
      ...handlers,
      access: ({ connection, params }) => connection.userId === params.userId,
      autoSubscribe: ({ userId }) => (userId === undefined ? undefined : { userId }),
    });
    const members = defineChannel('members', {
      ...handlers,
      // The default of a class in an app with an authorizer.
      ...(!hasAuthorizer && { access: ({ connection }) => connection.userId !== undefined }),
    });
    const lobby = defineChannel('lobby', { ...handlers, access: 'public' });
    this.test = createTestApp({
      channels: [rooms, admin, users, members, lobby],
      ...(hasAuthorizer && { authorizer: () => this.identity }),
      isAuthorizerDeployed,
      ...(store && { store }),
      plugins: [this.ear.plugin],
    });
  }

  /** The model: whether eve may use a channel now. */
  mayUse(name: unknown): boolean {
    if (name === 'lobby') return true;
    if (name === 'members' || name === 'users/eve') return this.who === 'eve';
    return this.rights.has(name as string);
  }

  /** The position before the first event of a channel, which anybody could make up who knows its epoch. */
  async start(name: unknown): Promise<string> {
    const head = await this.test.store.log?.head({ channel: nameOf(name), ...HISTORY });
    return `${head?.position.epoch}:0:`;
  }

  async connect(): Promise<TestConnection> {
    const client = await this.test.connect();
    this.clients.push(client);
    return client;
  }

  /**
   * Publishes on any value as a name. Returns the code of the error, or the number of subscribers
   * reached.
   */
  async publish(name: unknown): Promise<string | number> {
    try {
      const channel = this.test.app.channel<ChannelType>(name as string);
      const { delivery } = await channel.publish('x', `event of ${nameOf(name)}`);
      return delivery.delivered;
    } catch (error) {
      return codeOf(error);
    }
  }

  /** Everything that eve got although the model does not allow it. Must always be empty. */
  async violations(...names: unknown[]): Promise<unknown[]> {
    const found: unknown[] = this.runs.filter((run) => !run.wasAllowed || run.userId !== this.who);
    for (const client of this.clients) {
      const joined = await this.test.store.connections.channels(client.id);
      found.push(...joined.filter((name) => !this.mayUse(name)));
      found.push(...codesIn(client).filter((code) => !/^ERR_(?!INTERNAL$)/.test(code)));
      found.push(...pastEventsIn(client).filter((name) => !this.mayUse(name)));
      client.received.length = 0;
    }
    for (const name of [...PROBES, ...names]) await this.publish(name);
    for (const { events } of this.clients) {
      found.push(...events.filter(({ channel }) => !this.mayUse(channel)));
    }
    return found;
  }

  #run(what: string, { connection: { userId }, channel: { name } }: HandlerContext): string {
    this.runs.push({ what, channel: name, userId, wasAllowed: this.mayUse(name) });
    return `secret of ${name}`;
  }
}

interface HandlerContext {
  readonly connection: { readonly userId?: string };
  readonly channel: { readonly name: string };
}
type Handle = (data: unknown, ctx: HandlerContext) => unknown;

function nameOf(name: unknown): string {
  return typeof name === 'string' ? name : 'none';
}

/** The channels of all events in answers to a client: those of a history. */
function pastEventsIn({ received }: TestConnection): string[] {
  const answers = received.filter(({ type }) => type === 'reply');
  const found = JSON.stringify(answers).matchAll(/"event of ([^"]*)"/g);
  return Array.from(found, ([, name]) => name as string);
}

/** The error codes in all answers to a client, for frames and for single channels. */
function codesIn({ received }: TestConnection): string[] {
  return received.flatMap((frame) => {
    if (frame.type === 'error') return frame.error.code;
    if (frame.type !== 'reply') return [];
    const { channels = [] } = (frame.data ?? {}) as { channels?: { error?: { code: string } }[] };
    return channels.flatMap(({ error }) => (error ? error.code : []));
  });
}

/** The code of a server's error. */
export function codeOf(error: unknown): string {
  if (error instanceof GatecastError) return error.code;
  throw error;
}
