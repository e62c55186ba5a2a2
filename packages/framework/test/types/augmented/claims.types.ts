// Compiled, never run. In a separate program, because an augmentation of the framework's types applies to
// the whole program.
import {
  type Authorizer,
  Channel,
  type Claims,
  type ConnectContext,
  type ContextVariables,
  createApp,
  type DisconnectContext,
  defineChannel,
  definePlugin,
  type Identity,
  type MessageContext,
  memoryStore,
  OnMessage,
  type SubscribeContext,
} from '@gatecast/framework';
import { cognitoAuthorizer, jwtAuthorizer } from '@gatecast/framework/jwt';
import { type Equal, is } from '../equal.js';

interface Tenant {
  readonly id: string;
}

declare module '@gatecast/framework' {
  interface Register {
    claims: { role: 'admin' | 'member'; since?: Date };
  }
  interface ContextVariables {
    readonly tenant: Tenant;
  }
}

// ---- Claims ----

is<Equal<Claims, { role: 'admin' | 'member'; since?: Date }>>();

const authorizer: Authorizer = () => ({ userId: 'ada', claims: { role: 'admin' } });
const guest: Authorizer = () => ({});
const known: Identity = { userId: 'ada', claims: { role: 'admin', since: new Date(0) } };
createApp({ channels: [], store: memoryStore(), authorizer });
createApp({ channels: [], store: memoryStore(), authorizer: guest });
// @ts-expect-error there is no such role
const owner: Identity = { userId: 'ada', claims: { role: 'owner' } };
// @ts-expect-error the role is missing
const noRole: Identity = { userId: 'ada', claims: {} };
// @ts-expect-error there is no such claim
const more: Identity = { userId: 'ada', claims: { role: 'admin', age: 7 } };
void [known, owner, noRole, more];

jwtAuthorizer({
  toIdentity: (token) => ({ userId: String(token.sub), claims: { role: 'member' } }),
});
// @ts-expect-error what a token claims is not known to be what the app has registered
jwtAuthorizer({ toIdentity: (claims) => ({ userId: String(claims.sub), claims }) });
// @ts-expect-error nor with Cognito
cognitoAuthorizer({ toIdentity: (claims) => ({ userId: String(claims.sub), claims }) });

Channel('admin', { access: ({ connection }) => connection.claims.role === 'admin' });
// @ts-expect-error there is no such role
Channel('admin', { access: ({ connection }) => connection.claims.role === 'owner' });
// @ts-expect-error there is no such claim
Channel('admin', { access: ({ connection }) => connection.claims.isAdmin === true });

// ---- Additions of plugins to contexts ----

is<Equal<ContextVariables['tenant'], Tenant>>();
is<Equal<MessageContext['tenant'], Tenant>>();
is<Equal<SubscribeContext['tenant'], Tenant>>();

class RoomChannel {
  @OnMessage()
  post(_message: unknown, ctx: MessageContext) {
    is<Equal<typeof ctx.connection.claims.role, 'admin' | 'member' | undefined>>();
    // @ts-expect-error a guest has no role (G3)
    void ctx.connection.claims.role.length;
    // What an authorizer returns goes through JSON.
    is<Equal<typeof ctx.connection.claims.since, string | undefined>>();
    // @ts-expect-error nobody has added a user
    void ctx.user;
    // @ts-expect-error what was added is of another type
    return ctx.tenant === 'acme';
  }
  open(ctx: ConnectContext) {
    // @ts-expect-error plugins add nothing to the context of a connection
    return ctx.tenant;
  }
  close(ctx: DisconnectContext) {
    // @ts-expect-error nor to that of its end
    return ctx.tenant;
  }
}

defineChannel('rooms/:roomId', {
  onSubscribe: (ctx) => ctx.tenant.id,
  // @ts-expect-error a subscription that has ended has no variables
  onUnsubscribe: (ctx) => ctx.tenant.id,
  messages: ({ message }) => ({ who: message((_data, ctx) => ctx.tenant.id) }),
});

const name = 'tenant';
definePlugin<{ tenant: Tenant }>({ name, onMessage: (_, next) => next({ tenant: { id: '1' } }) });
// @ts-expect-error what it adds is of another type
definePlugin<{ tenant: Tenant }>({ name, onMessage: (_, next) => next({ tenant: 1 }) });

export { RoomChannel };
