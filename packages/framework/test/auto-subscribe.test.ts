import {
  type AccessRule,
  type Authorizer,
  type ChannelType,
  ClientError,
  defineChannel,
} from '@gatecast/framework';
import { createTestApp } from '@gatecast/framework/testing';
import { describe, expect, it } from 'vitest';
import { listen } from './heard.js';

const authorizer: Authorizer = ({ token }) => (token === undefined ? {} : { userId: token });
type Rule = AccessRule<'users/:userId'>;
const own: Rule = ({ connection, params }) => connection.userId === params.userId;
const admins: AccessRule = ({ connection }) => connection.userId === 'root';
const users = defineChannel('users/:userId', {
  access: own,
  autoSubscribe: ({ userId }) => (userId === undefined ? undefined : { userId }),
});

describe('A1 an automatic subscription', () => {
  const others = {
    'a literal beside a parameter': defineChannel('users/staff', { name: 'staff', access: admins }),
    'a class that is public': defineChannel('users/staff', { name: 'staff', access: 'public' }),
    'a class for users': defineChannel('users/staff', { name: 'staff' }),
  };

  it.each(Object.entries(others))(
    'A1 is left out if the name belongs to %s',
    async (_what, staff) => {
      for (const channels of [
        [users, staff],
        [staff, users],
      ]) {
        const ear = listen();
        const app = createTestApp({ channels, authorizer, plugins: [ear.plugin] });
        const eve = await app.connect({ token: 'staff' });
        expect(await app.store.connections.channels(eve.id)).toEqual([]);
        await app.app.channel<ChannelType>('users/staff').publish('memo', 'payroll');
        expect(eve.events).toEqual([]);
        expect(ear.errors).toHaveLength(1);
        const ann = await app.connect({ token: 'ann' });
        expect(await app.store.connections.channels(ann.id)).toEqual(['users/ann']);
      }
    },
  );

  it('A1 tells the developer which class the channel belongs to', async () => {
    const ear = listen();
    const staff = defineChannel('users/staff', { name: 'staff' });
    const app = createTestApp({ channels: [users, staff], authorizer, plugins: [ear.plugin] });
    await app.connect({ token: 'staff' });
    expect(ear.errors).toMatchObject([
      {
        code: 'ERR_CHANNEL_RULE_MISMATCH',
        message: expect.stringContaining("belongs to defineChannel('users/staff')"),
      },
    ]);
  });

  it('A1 uses the class that declares it, even if both classes declare one', async () => {
    const staff = defineChannel('users/staff', { name: 's', access: admins, autoSubscribe: true });
    const app = createTestApp({
      channels: [users, staff],
      authorizer,
      plugins: [listen().plugin],
    });
    const channelsOf = async (token: string) => {
      const { id } = await app.connect({ token });
      return (await app.store.connections.channels(id)).toSorted();
    };
    expect(await channelsOf('staff')).toEqual([]);
    expect(await channelsOf('root')).toEqual(['users/root', 'users/staff']);
    expect(await channelsOf('a/b')).toEqual(['users/a%2Fb']);
  });

  it('A1 is silently left out if its class names no parameters', async () => {
    const ear = listen();
    const app = createTestApp({ channels: [users], authorizer, plugins: [ear.plugin] });
    const guest = await app.connect();
    expect(await app.store.connections.channels(guest.id)).toEqual([]);
    expect(ear.errors).toEqual([]);
  });

  it('A1 fails the handshake if its rule fails', async () => {
    const ear = listen();
    const failure = new Error('The database is down.');
    const broken = defineChannel('broken', {
      access: () => Promise.reject(failure),
      autoSubscribe: true,
    });
    const app = createTestApp({ channels: [broken], plugins: [ear.plugin] });
    await expect(app.connect()).rejects.toMatchObject({ status: 500 });
    expect(ear.errors).toEqual([failure]);
  });

  it.each([
    ['says no', () => false],
    [
      'refuses',
      () => {
        throw new ClientError('ERR_FORBIDDEN', 'No.');
      },
    ],
    ['refuses in time', () => Promise.reject(new ClientError('ERR_FULL', 'No.'))],
  ])('A1 is silently left out if its own rule %s', async (_how, access) => {
    const ear = listen();
    const closed = defineChannel('closed', { access: access as AccessRule, autoSubscribe: true });
    const app = createTestApp({ channels: [closed], plugins: [ear.plugin] });
    const ann = await app.connect();
    expect(await app.store.connections.channels(ann.id)).toEqual([]);
    expect(ear.errors).toEqual([]);
  });
});

describe('A18 an automatic channel without a legal name', () => {
  const mails = defineChannel('mails/:userId', {
    access: 'public',
    autoSubscribe: ({ userId }) => ({ userId: userId as string }),
  });

  it.each([
    ['accented letters', 'é'.repeat(40)],
    ['a long name', 'x'.repeat(200)],
    ['nothing', undefined],
  ])('A18 is left out and reported: %s', async (_what, token) => {
    const ear = listen();
    const app = createTestApp({ channels: [mails, users], authorizer, plugins: [ear.plugin] });
    const ann = await app.connect(token === undefined ? {} : { token });
    const joined = await app.store.connections.channels(ann.id);
    expect(joined.filter((name) => name.startsWith('mails'))).toEqual([]);
    expect(ear.errors[0]).toMatchObject({
      code: 'ERR_AUTO_CHANNEL',
      message: expect.stringContaining("defineChannel('mails/:userId')"),
    });
    // A user's id may be long, and a sentence has one full stop.
    expect((ear.errors[0] as Error).message).toMatch(/^.{0,300}[^.]\.$/);
  });

  it.each([
    null,
    {},
    'ann',
    { userId: 7 },
    { userId: '' },
    { userId: 'a\ud800' },
    Promise.resolve({ userId: 'ann' }),
  ])('A18 is left out and reported if its parameters are %j', async (params) => {
    const ear = listen();
    const odd = defineChannel('odd/:userId', { autoSubscribe: () => params as never });
    const app = createTestApp({ channels: [odd], plugins: [ear.plugin] });
    const ann = await app.connect();
    expect(await app.store.connections.channels(ann.id)).toEqual([]);
    expect(ear.codes()).toEqual(['ERR_AUTO_CHANNEL']);
  });
});

describe('A18 a server that uses a channel without a class', () => {
  const room = defineChannel('rooms/:roomId', {
    messages: ({ message }) => ({
      publish: message((name, { app }) => app.channel(name as 'rooms/1').publish('x', {})),
      count: message((name, { app }) => app.channel(name as 'rooms/1').members()),
    }),
  });

  it.each([
    ['romos/1', 'ERR_PUBLISH_UNKNOWN_CHANNEL'],
    ['rooms/bob/alerts', 'ERR_PUBLISH_UNKNOWN_CHANNEL'],
    ['rooms', 'ERR_PUBLISH_UNKNOWN_CHANNEL'],
    ['constructor', 'ERR_PUBLISH_UNKNOWN_CHANNEL'],
    ['__proto__', 'ERR_PUBLISH_UNKNOWN_CHANNEL'],
    ['rooms/', 'ERR_PUBLISH_CHANNEL'],
    ['rooms/a b', 'ERR_PUBLISH_CHANNEL'],
    ['rooms/%41', 'ERR_PUBLISH_CHANNEL'],
    [`rooms/${'x'.repeat(195)}`, 'ERR_PUBLISH_CHANNEL'],
    ['', 'ERR_PUBLISH_CHANNEL'],
    [undefined, 'ERR_PUBLISH_CHANNEL'],
    [7, 'ERR_PUBLISH_CHANNEL'],
    [['rooms/1'], 'ERR_PUBLISH_CHANNEL'],
  ])('A18 gets an error: %j', async (name, code) => {
    const ear = listen();
    const app = createTestApp({ channels: [room], plugins: [ear.plugin] });
    const ann = await app.connect();
    await ann.subscribe('rooms/1');
    const channel = app.app.channel<ChannelType>(name as string);
    await expect(channel.publish('x', {})).rejects.toMatchObject({ name: 'UsageError', code });
    await expect(channel.members()).rejects.toMatchObject({ name: 'UsageError', code });
    for (const action of ['rooms.publish', 'rooms.count']) {
      await ann.send(action, 'rooms/1', name);
      expect(ear.codes().at(-1)).toBe(code);
    }
    expect(ann.events).toEqual([]);
  });
});

it('C14 automatic channels past 200 are reported, one by one', async () => {
  const ear = listen();
  const channels = Array.from({ length: 203 }, (_, n) =>
    defineChannel(`news-${n}`, { autoSubscribe: true }),
  );
  const app = createTestApp({ channels, plugins: [ear.plugin] });
  const ann = await app.connect();
  expect(await app.store.connections.channels(ann.id)).toHaveLength(200);
  expect(ear.errors).toMatchObject(
    ['news-200', 'news-201', 'news-202'].map((name) => ({
      code: 'ERR_AUTO_CHANNEL',
      message: expect.stringContaining(`'${name}'`),
    })),
  );
});
