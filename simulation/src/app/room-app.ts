import type { App } from '../../../packages/framework/src/app/create-app.js';
import { createApp } from '../../../packages/framework/src/app/create-app.js';
import { defineChannel } from '../../../packages/framework/src/channel/define-channel.js';
import type { PublishResult } from '../../../packages/framework/src/channel/publishing.js';
import type { Gateway } from '../../../packages/framework/src/deliver/gateway.js';
import { definePlugin } from '../../../packages/framework/src/invocation/plugin.js';
import type { LogSettings } from '../../../packages/framework/src/store/log.js';
import type { Store } from '../../../packages/framework/src/store/store.js';

/** The body of a message, and of the event that it becomes. */
export interface Content {
  readonly id: string;
  readonly content: string;
}

export interface RoomAppOptions {
  readonly store: Store;
  readonly gateway: Gateway;
  readonly history: LogSettings;
  /** Called in the environment when a publish has ended well. */
  readonly onPublished: (content: Content, result: PublishResult, requestId: string) => void;
  /** Called for every error, with the request that it belongs to. */
  readonly onError: (error: unknown, requestId: string | undefined) => void;
}

/** The app of a run: rooms with history, in which everybody may post. */
export function roomApp(options: RoomAppOptions): App {
  const { store, gateway, history, onPublished, onError } = options;
  const rooms = defineChannel('rooms/:id', {
    history,
    messages: ({ message }) => ({
      post: message(async (body, ctx) => {
        const content = body as Content;
        const { requestId } = ctx.event.requestContext;
        const result = await ctx.channel.publish('message' as never, content as never);
        onPublished(content, result, requestId);
        return { position: result.position };
      }),
    }),
  });
  const watching = definePlugin({
    name: 'watching',
    onError: (error, { requestId }) => onError(error, requestId),
  });
  return createApp({ channels: [rooms], store, gateway, plugins: [watching] }) as object as App;
}
