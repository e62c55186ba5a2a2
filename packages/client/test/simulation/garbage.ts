import type { Request } from './connection.js';
import type { Random } from './random.js';

/** What a server sends that is broken, or newer than the client. Nothing of it means anything. */
export const garbageFrames: readonly unknown[] = [
  'no JSON',
  '',
  '{',
  'null',
  '5',
  '"reply"',
  '[]',
  '[null]',
  '{}',
  '{"type":null}',
  '{"type":7}',
  '{"type":"constructor"}',
  '{"type":"presence","channel":"rooms/1","members":[null]}',
  '{"message":null,"connectionId":null,"requestId":null}',
  '{"message":{"connectionId":1}}',
  '{"type":"reply"}',
  '{"type":"reply","id":null,"data":null}',
  '{"type":"reply","id":{"a":1},"data":null}',
  '{"type":"reply","id":"__proto__","data":{"channels":[null]}}',
  '{"type":"reply","id":"nobody","server":null}',
  '{"type":"error"}',
  '{"type":"error","error":null}',
  '{"type":"error","error":"ERR_INTERNAL"}',
  '{"type":"error","error":{"code":null,"message":null}}',
  '{"type":"error","error":{"code":"ERR_INTERNAL","message":"No id.","retryAfterMs":1e300}}',
  '{"type":"error","id":"nobody","error":{"code":"ERR_FORBIDDEN","message":"Whose?"}}',
  '{"type":"event"}',
  '{"type":"event","channel":null,"event":null,"data":null,"id":null,"at":null}',
  '{"type":"event","channel":"rooms/1","event":"message"}',
  '{"type":"event","channel":"rooms/1","event":"toString","data":1,"id":"garbage-1","at":1}',
  '{"type":"event","channel":"rooms/1","event":"message","data":1,"id":"garbage-2","at":"never"}',
  '{"type":"event","channel":"__proto__","event":"message","data":1,"id":"garbage-3","at":1}',
  '{"type":"events"}',
  '{"type":"events","channel":"rooms/1","events":null}',
  '{"type":"events","channel":"rooms/1","events":[null]}',
  '{"type":"events","channel":"rooms/1","events":[5,"x",[],{}]}',
  '{"type":"events","channel":7,"events":[{"event":7,"id":7,"at":7}]}',
  '{"type":"unsubscribed"}',
  '{"type":"unsubscribed","channel":null,"code":null,"reason":null}',
  '{"type":"unsubscribed","channel":"rooms/999","code":"ERR_REMOVED","reason":"Unknown."}',
  '{"type":"pong","extra":[1,2,3]}',
  new ArrayBuffer(8),
  new Uint8Array([123, 125]),
  undefined,
  null,
];

/** A frame with the id of a request that does not answer it. One that looks like an error is a refusal. */
export function garbageAnswer(
  { frame: { id }, channels }: Request,
  random: Random,
): { readonly text: string; readonly isRefusal: boolean } {
  const [channel] = channels;
  const text = JSON.stringify(
    random.pick<unknown>([
      { type: 'reply', id },
      { type: 'reply', id, data: null },
      { type: 'reply', id, data: 'done' },
      { type: 'reply', id, data: { channels: null } },
      { type: 'reply', id, data: { channels: 'all' } },
      { type: 'reply', id, data: { channels: [null] } },
      { type: 'reply', id, data: { channels: [5, {}, [], { channel: null }] } },
      { type: 'reply', id, data: { channels: [{ channel, error: null }] } },
      { type: 'reply', id, data: { channels: [{ channel, error: 'no' }] } },
      { type: 'reply', id, data: { channels: [{ channel, error: {} }] } },
      { type: 'reply', id, data: { channels: [] }, server: 'none' },
      { type: 'error', id },
      { type: 'error', id, error: null },
      { type: 'error', id, error: 'ERR_INTERNAL' },
      { type: 'error', id, error: {} },
      { type: 'error', id, error: { code: 7, message: null, retryAfterMs: {} } },
    ]),
  );
  return { text, isRefusal: text.includes('"error"') };
}

/** What a server may say of itself in a reply; a client keeps to what makes sense of it. */
export const settings: readonly {
  readonly keepAliveMs?: unknown;
  readonly [name: string]: unknown;
}[] = [
  { keepAliveMs: 30_000, reconnectWithinMs: 3_000, resendWithinMs: 300_000, now: 1_700_000_000 },
  { keepAliveMs: 240_000, reconnectWithinMs: 0 },
  { reconnectWithinMs: 15_000 },
  { keepAliveMs: 0, reconnectWithinMs: -1, resendWithinMs: 0, now: 0 },
  { keepAliveMs: -5 },
  { keepAliveMs: 2 ** 40 },
  { keepAliveMs: '30000', reconnectWithinMs: '1', resendWithinMs: 'x', now: 'x' },
  { keepAliveMs: null, reconnectWithinMs: null, resendWithinMs: null, now: null },
  { keepAliveMs: {}, reconnectWithinMs: [], unknown: true },
];
