import { redisStore } from '@gatecast/adapters/redis';
import { appOn, publisherOn } from './room.js';

const store = redisStore();

export const app = appOn(store);
export const { handler } = app;
export const publisher = publisherOn(store);
