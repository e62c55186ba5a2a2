import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { appOn, publisherOn } from './room.js';

const store = dynamoDbStore();

export const app = appOn(store);
export const { handler } = app;
export const publisher = publisherOn(store);
