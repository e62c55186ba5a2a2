import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { createApp } from '@gatecast/framework';
import { logger } from '@gatecast/framework/plugins/logger';
import { RoomChannel } from './rooms.js';

export const app = createApp({
  channels: [RoomChannel],
  store: dynamoDbStore(),
  plugins: [logger()],
});

export const { handler } = app;
