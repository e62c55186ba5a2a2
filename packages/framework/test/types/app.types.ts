// Compiled, never run, in both conventions of decorators. Each `@ts-expect-error` fails when nothing does.
import {
  type App,
  type Authorizer,
  Channel,
  type ChannelType,
  ClientError,
  createApp,
  defineChannel,
  type Handler,
  type Identity,
  type MessageContext,
  memoryStore,
  OnMessage,
  type RouteTable,
} from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import { type Equal, is } from './equal.js';

const store = memoryStore();

class Database {
  readonly rows: readonly string[] = [];
}

@Channel('rooms/:roomId')
class RoomChannel {
  @OnMessage()
  post(_message: unknown, ctx: MessageContext<ChannelType<'rooms/:roomId', { said: string }>>) {
    return ctx.params;
  }
}

@Channel('orders/:orderId')
class OrderChannel {
  readonly #database: Database;
  constructor(database: Database) {
    this.#database = database;
  }
  @OnMessage()
  list() {
    return this.#database.rows;
  }
}

@Channel('reports')
class ReportChannel {
  readonly title: string;
  constructor(title = 'Report') {
    this.title = title;
  }
}

// ---- Values in the list of channels ----

const app = createApp({ channels: [RoomChannel], store });
is<Equal<typeof app, App<readonly [typeof RoomChannel]>>>();
is<Equal<typeof app.handler, Handler>>();
is<Equal<typeof app.routes, RouteTable>>();
is<Equal<typeof app.manifest.version, 1>>();
createApp({ channels: [], store });
createApp({ channels: [new RoomChannel()], store });
createApp({ channels: [new OrderChannel(new Database()), RoomChannel], store });
createApp({ channels: [defineChannel('alerts')], store });
// Optional parameters of a constructor need no arguments.
createApp({ channels: [ReportChannel], store });
// @ts-expect-error the constructor needs a database, which is missing
createApp({ channels: [OrderChannel], store });
// @ts-expect-error nor beside a class that needs nothing
createApp({ channels: [RoomChannel, OrderChannel], store });
// @ts-expect-error a pattern is not a channel
createApp({ channels: ['rooms/:roomId'], store });
// @ts-expect-error nor is undefined
createApp({ channels: [undefined], store });
// @ts-expect-error channels come in a list
createApp({ channels: RoomChannel, store });
// @ts-expect-error an app without channels is a mistake, an empty list is not
createApp({ store });

// ---- `resolve`, for a container ----

const container = new Map<unknown, object>();
createApp({
  channels: [OrderChannel, RoomChannel],
  store,
  resolve: (type) => new type(new Database()),
});
const resolved = createApp({
  channels: [OrderChannel],
  store,
  resolve: <T extends object>(type: new (...args: never[]) => T) => container.get(type) as T,
});
is<Equal<typeof resolved, App<readonly [typeof OrderChannel]>>>();
createTestApp({ channels: [OrderChannel], resolve: (type) => new type(new Database()) });
// @ts-expect-error the constructor needs a database in a test, too
createTestApp({ channels: [OrderChannel] });
// @ts-expect-error it makes an instance of the class it is given, not of another
createApp({ channels: [OrderChannel], store, resolve: () => new Database() });
// @ts-expect-error it makes an instance, not the promise of one
createApp({ channels: [OrderChannel], store, resolve: async (type) => new type() });
// @ts-expect-error it is a function, not the container
createApp({ channels: [OrderChannel], store, resolve: container });

// ---- Other options ----

createApp({ channels: [RoomChannel], store, origins: ['https://chat.example.com'], plugins: [] });
// @ts-expect-error there is no such option
createApp({ channels: [RoomChannel], store, pluggins: [] });
// @ts-expect-error nor beside `resolve`
createApp({ channels: [RoomChannel], store, resolve: (type) => new type(), pluggins: [] });
// @ts-expect-error the store is missing
createApp({ channels: [RoomChannel] });
// @ts-expect-error that is not a store
createApp({ channels: [RoomChannel], store: new Map() });
// @ts-expect-error origins come in a list
createApp({ channels: [RoomChannel], store, origins: 'https://chat.example.com' });
// @ts-expect-error that is not a plugin
createApp({ channels: [RoomChannel], store, plugins: [{ onMessage: () => {} }] });
// @ts-expect-error the parts of an app cannot be changed
app.handler = async () => ({ statusCode: 200 });

// ---- Authorizers ----

const authorizer: Authorizer = async ({ token, headers, query, sourceIp }) => {
  is<Equal<typeof token, string | undefined>>();
  is<Equal<(typeof headers)['origin'], string | undefined>>();
  is<Equal<(typeof query)['room'], string | undefined>>();
  is<Equal<typeof sourceIp, string>>();
  if (token === undefined) throw new ClientError('ERR_UNAUTHORIZED', 'Who are you?');
  return { userId: token, claims: { team: 'red' }, expiresAt: 0 };
};
const guest: Authorizer = () => ({});
createApp({ channels: [RoomChannel], store, authorizer });
createApp({ channels: [RoomChannel], store, authorizer: guest });
// @ts-expect-error a user id is a string
createApp({ channels: [RoomChannel], store, authorizer: () => ({ userId: 7 }) });
// @ts-expect-error a refusal is thrown
createApp({ channels: [RoomChannel], store, authorizer: () => undefined });
// @ts-expect-error a policy is not an identity
const policy: Identity = { principalId: 'ada', policyDocument: {} };
// @ts-expect-error a user that may be undefined is left out instead
const maybe: Identity = { userId: undefined };
void [policy, maybe];
