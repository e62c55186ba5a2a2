import type { IncomingMessage } from 'node:http';

/** What a request says about its sender, as events and policies name it. */
export interface Sender {
  readonly sourceIp: string;
  readonly userAgent: string | undefined;
  readonly referer: string | undefined;
}

/** The sender of a request. This machine has one address, whichever of them `localhost` is. */
export function senderOf({ socket, headers }: IncomingMessage): Sender {
  const address = socket.remoteAddress ?? '';
  return {
    sourceIp: address.replace(/^::1$/, '127.0.0.1').replace(/^::ffff:/, ''),
    userAgent: headers['user-agent'],
    referer: headers.referer,
  };
}
