import { redisStore } from '@gatecast/adapters/redis';
import { createApp } from '@gatecast/framework';
import { logger } from '@gatecast/framework/plugins/logger';
import { RoomChannel } from './rooms.js';

export const app = createApp({
  channels: [RoomChannel],
  store: redisStore(),
  plugins: [logger()],
});

export const { handler } = app;
