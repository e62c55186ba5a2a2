import type { Gateway, PostOutcome } from '../deliver/gateway.js';
import { makeError } from '../errors/gatecast-error.js';

/**
 * What a fault makes of a post: `gone` (410) and `throttled` (429) are refused, `failed` answers 500,
 * `lost` is accepted and never arrives, `doubled` arrives twice, `arrived-gone` arrives and is
 * answered with 410 all the same.
 */
export type PostFault = 'gone' | 'throttled' | 'failed' | 'lost' | 'doubled' | 'arrived-gone';

/** Decides the fault of a post; `undefined` for none. */
export type PostFaults = (post: {
  readonly connectionId: string;
  readonly frame: string;
}) => PostFault | undefined;

/** A connection of the in-process gateway. */
export interface GatewayPeer {
  /** When it was opened, in milliseconds since 1970. */
  readonly connectedAt: number;
  /** A text frame arrived. */
  receive(frame: string): void;
  /** The server closed the connection (close code 1000). The app has been told (`$disconnect`) when it ends. */
  close(): void | Promise<void>;
}

const ENDPOINT = 'in-process';

/**
 * The `@connections` API in process, with faults.
 *
 * @example
 * ```ts
 * app.gateway.faults = ({ connectionId }) => (connectionId === bob.id ? 'gone' : undefined);
 * ```
 */
export class TestGateway implements Gateway {
  /** Connections that are open. */
  readonly peers: Map<string, GatewayPeer> = new Map();
  /** Decides the fault of each post. @default none */
  faults: PostFaults = () => undefined;

  async post(connectionId: string, frame: string): Promise<PostOutcome> {
    const peer = this.peers.get(connectionId);
    const fault = this.faults({ connectionId, frame });
    if (!peer || fault === 'gone') return { result: 'gone' };
    if (fault === 'throttled') {
      return {
        result: 'throttled',
        error: makeError('ERR_DELIVERY_THROTTLED', { endpoint: ENDPOINT }),
      };
    }
    if (fault === 'failed') {
      const error = makeError('ERR_DELIVERY_FAILED', { endpoint: ENDPOINT, reason: 'fault' });
      return { result: 'retry', error };
    }
    if (fault !== 'lost') peer.receive(frame);
    if (fault === 'doubled') peer.receive(frame);
    return { result: fault === 'arrived-gone' ? 'gone' : 'delivered' };
  }

  async disconnect(connectionId: string): Promise<PostOutcome> {
    const peer = this.peers.get(connectionId);
    if (!peer) return { result: 'gone' };
    await peer.close();
    return { result: 'delivered' };
  }
}
