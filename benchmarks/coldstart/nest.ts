// The hand-written function in NestJS: an application context, and a gateway whose methods the handler
// calls. It injects into a property, because esbuild does not emit the types of parameters.
import { Inject, Injectable, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SubscribeMessage, WebSocketGateway } from '@nestjs/websockets';
import { handler as handWritten } from './hand-written.mjs';

type Event = Parameters<typeof handWritten>[0];

/** The two AWS clients and the table, as in the hand-written function. */
@Injectable()
class Rooms {
  handle(event: Event) {
    return handWritten(event);
  }
}

@WebSocketGateway()
class ChatGateway {
  @Inject(Rooms)
  readonly rooms!: Rooms;

  handleConnection(event: Event) {
    return this.rooms.handle(event);
  }

  handleDisconnect(event: Event) {
    return this.rooms.handle(event);
  }

  @SubscribeMessage('post')
  post(event: Event) {
    return this.rooms.handle(event);
  }
}

@Module({ providers: [Rooms, ChatGateway] })
// oxlint-disable-next-line typescript/no-extraneous-class -- Nest reads its decorator.
class ChatModule {}

const started = NestFactory.createApplicationContext(ChatModule, { logger: ['error', 'warn'] });

export const handler = async (event: Event) => {
  const chat = (await started).get(ChatGateway);
  switch (event.requestContext.routeKey) {
    case '$connect':
      return chat.handleConnection(event);
    case '$disconnect':
      return chat.handleDisconnect(event);
    default:
      return chat.post(event);
  }
};
