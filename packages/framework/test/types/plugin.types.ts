// Compiled, never run, in both conventions of decorators. Each `@ts-expect-error` fails when nothing does.
import {
  type Connection,
  createApp,
  type DeliverContext,
  definePlugin,
  type ErrorContext,
  memoryStore,
  type NextWith,
  type Plugin,
  type PluginSetup,
} from '@gatecast/framework';
import { logger } from '@gatecast/framework/plugins/logger';
import { type Equal, is } from './equal.js';

interface User {
  readonly id: string;
}
const ada: User = { id: 'ada' };

// ---- Additions of a plugin to the contexts ----

const auth = definePlugin<{ user: User }>({
  name: 'auth',
  onSubscribe: (ctx, next) => next({ user: { id: ctx.channel.name } }),
  async onMessage(ctx, next) {
    // The addition is absent until the plugin has made it.
    is<Equal<typeof ctx.user, User | undefined>>();
    is<Equal<typeof ctx.connection, Connection>>();
    await next({ user: { id: ctx.connection.id } });
    return ctx.user?.id;
  },
});
is<Equal<typeof auth, Plugin<{ user: User }>>>();
is<Equal<NextWith<{ user: User }>, (add: { user: User }) => Promise<void>>>();
is<Equal<NextWith<object>, () => Promise<void>>>();

// @ts-expect-error the addition is missing
definePlugin<{ user: User }>({ name: 'auth', onMessage: (_ctx, next) => next() });
// @ts-expect-error the addition is missing, here too
definePlugin<{ user: User }>({ name: 'auth', onSubscribe: (_ctx, next) => next() });
// @ts-expect-error the addition is of another type
definePlugin<{ user: User }>({ name: 'auth', onMessage: (_ctx, next) => next({ user: 'Ada' }) });
// @ts-expect-error the addition has another name
definePlugin<{ user: User }>({ name: 'auth', onMessage: (_ctx, next) => next({ usr: ada }) });
// @ts-expect-error a plugin that declares no addition makes none
definePlugin({ name: 'auth', onMessage: (_ctx, next) => next({ user: ada }) });
// @ts-expect-error the context of a connection takes no additions
definePlugin<{ user: User }>({ name: 'auth', onConnect: (_ctx, next) => next({ user: ada }) });
// @ts-expect-error nobody has added a user
definePlugin({ name: 'auth', onMessage: (ctx) => ctx.user });
// @ts-expect-error what it adds may not be there yet
definePlugin<{ user: User }>({ name: 'auth', onMessage: (ctx) => ctx.user.id });

// ---- Its hooks ----

const tracer = definePlugin({
  name: 'tracer',
  requires: ['auth'],
  setup: (app) => is<Equal<typeof app, PluginSetup>>(),
  async onConnect(ctx, next) {
    is<Equal<(typeof ctx.headers)['origin'], string | undefined>>();
    await next();
  },
  async onMessage(ctx, next) {
    is<Equal<typeof next, () => Promise<void>>>();
    is<Equal<typeof ctx.messageId, string>>();
    await next();
  },
  async onPublish(ctx, next) {
    is<Equal<typeof ctx.id, string>>();
    is<Equal<typeof ctx.ephemeral, boolean>>();
    // @ts-expect-error what is published cannot be changed
    ctx.event = 'other';
    // @ts-expect-error publishing takes no additions
    await next({ user: ada });
  },
  async onDeliver(ctx, next) {
    is<Equal<typeof ctx, DeliverContext>>();
    await next();
  },
  async onDisconnect(ctx, next) {
    is<Equal<typeof ctx.channels, readonly string[]>>();
    await next();
  },
  onError(error, ctx) {
    is<Equal<typeof error, unknown>>();
    is<Equal<typeof ctx, ErrorContext>>();
  },
});
is<Equal<typeof tracer, Plugin>>();

// @ts-expect-error a plugin has a name
definePlugin({ setup: () => {} });
// @ts-expect-error there is no such hook
definePlugin({ name: 'x', onMesage: () => {} });
// @ts-expect-error a hook is a function
definePlugin({ name: 'x', onMessage: true });
// @ts-expect-error there is no channel yet in `$connect`
definePlugin({ name: 'x', onConnect: (ctx) => ctx.channel });
// @ts-expect-error a hook gets its context and `next`, nothing else
definePlugin({ name: 'x', onMessage: (_ctx: object, _next: object, _event: object) => {} });

// ---- In an app ----

const store = memoryStore();
createApp({ channels: [], store, plugins: [auth, tracer] });
createApp({ channels: [], store, plugins: [logger()] });
// @ts-expect-error a function that makes a plugin is not a plugin
createApp({ channels: [], store, plugins: [logger] });
// @ts-expect-error plugins come in a list
createApp({ channels: [], store, plugins: auth });
// @ts-expect-error a plugin is not its name
createApp({ channels: [], store, plugins: ['auth'] });
