// A channel without history, on DynamoDB.
import { dynamoDbStore } from '@gatecast/adapters/dynamodb';
import { createApp, defineChannel } from '@gatecast/framework';

const rooms = defineChannel('rooms/:roomId', {
  messages: ({ message }) => ({
    post: message((data, ctx) => ctx.channel.publish('message', data)),
  }),
});

export const { handler } = createApp({ channels: [rooms], store: dynamoDbStore() });
