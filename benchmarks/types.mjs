// What the compiler does for a large app: channel classes with ten messages each, and a page with a client
// that is typed from the app and uses each channel. Instantiations and types count its work, and do not
// depend on the machine.
import { join } from 'node:path';
import ts from 'typescript';

const SIZES = [50, 100, 150];
const MESSAGES = 10;
const FOLDER = import.meta.dirname;

const options = {
  strict: true,
  noEmit: true,
  skipLibCheck: true,
  experimentalDecorators: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  module: ts.ModuleKind.NodeNext,
  moduleResolution: ts.ModuleResolutionKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  lib: ['lib.es2023.d.ts', 'lib.esnext.disposable.d.ts', 'lib.dom.d.ts'],
  types: ['node'],
};

const numbers = (count) => Array.from({ length: count }, (_, index) => index);

function channelClass(channel) {
  const messages = numbers(MESSAGES).map(
    (message) => `
  @OnMessage(schema<{ text${message}: string; n?: number }>())
  async say${message}(data: { text${message}: string; n?: number }, ctx: MessageContext<Type${channel}>) {
    await ctx.channel.publish('said', { text: data.text${message}, at: new Date(), in: '${channel}' });
    return { id: ctx.messageId, at: new Date(), in: '${channel}' as const };
  }`,
  );
  return `
type Type${channel} = ChannelType<'c${channel}/:id', {
  said: { text: string; at: Date; in: '${channel}' };
  left: { who: string };
}>;
@Channel('c${channel}/:id')
class Channel${channel} {
  @OnSubscribe()
  enter(ctx: SubscribeContext<Type${channel}>) {
    return { topic: ctx.params.id, since: new Date() };
  }${messages.join('')}
}`;
}

function appOf(channels) {
  return `
import { Channel, type ChannelType, createApp, type MessageContext, memoryStore, OnMessage, OnSubscribe,
  type SubscribeContext } from '@gatecast/framework';
import type { StandardSchemaV1 } from '@standard-schema/spec';
declare function schema<T>(): StandardSchemaV1<T, T>;
${numbers(channels).map(channelClass).join('\n')}
export const app = createApp({
  channels: [${numbers(channels)
    .map((channel) => `Channel${channel}`)
    .join(', ')}],
  store: memoryStore(),
});
${numbers(channels)
  .map((channel) => `void app.channel('c${channel}/7').publish('left', { who: 'Ada' });`)
  .join('\n')}`;
}

function useOf(channel) {
  const sends = numbers(MESSAGES).map(
    (message) => `
void channel${channel}.send('say${message}', { text${message}: 'hello' }).then(({ at }) => at.slice(0, 10));`,
  );
  return `
const channel${channel} = client.channel('c${channel}/7');
channel${channel}.on('said', ({ text, at }) => [text, at.slice(0, 10)]);
void channel${channel}.subscribe().then(({ data }) => data.since.slice(0, 10));${sends.join('')}`;
}

function pageOf(channels) {
  return `
import { createClient } from '@gatecast/client';
import type { app } from './app.mjs';
const client = createClient<typeof app>({ url: 'wss://chat.example.com' });
${numbers(channels).map(useOf).join('\n')}`;
}

// Parsed once: what the sizes share does not change.
const parsed = new Map();

/** Files that exist in memory alone, in this folder, so that names of packages resolve as they do here. */
function hostOf(files) {
  const disk = ts.createCompilerHost(options);
  return {
    ...disk,
    getCurrentDirectory: () => FOLDER,
    fileExists: (file) => files.has(file) || disk.fileExists(file),
    readFile: (file) => files.get(file) ?? disk.readFile(file),
    getSourceFile(file, ...rest) {
      const text = files.get(file);
      if (text !== undefined) return ts.createSourceFile(file, text, ...rest);
      if (!parsed.has(file)) parsed.set(file, disk.getSourceFile(file, ...rest));
      return parsed.get(file);
    },
  };
}

/** Checks an app of that many channels, and its page. Throws when they do not compile. */
export function check(channels) {
  const files = new Map([
    [join(FOLDER, 'app.mts'), appOf(channels)],
    [join(FOLDER, 'page.mts'), pageOf(channels)],
  ]);
  const program = ts.createProgram([...files.keys()], options, hostOf(files));
  const start = process.cpuUsage();
  const [problem] = ts.getPreEmitDiagnostics(program);
  const { user, system } = process.cpuUsage(start);
  if (problem) throw new Error(ts.flattenDiagnosticMessageText(problem.messageText, '\n'));
  return {
    channels,
    messages: channels * MESSAGES,
    instantiations: program.getInstantiationCount(),
    types: program.getTypeCount(),
    'check time, ms of CPU': Math.round((user + system) / 1_000),
  };
}

export async function measure() {
  // A first one, while the compiler's own code is being compiled.
  check(5);
  return { benchmark: 'types', typescript: ts.version, rows: SIZES.map(check) };
}
