import type { Gateway, PostOutcome } from '../deliver/gateway.js';
import { makeError } from '../errors/gatecast-error.js';

/**
 * A fault of a post. `gone` is answered with 410, `throttled` with 429 and `failed` with 500. `lost` is
 * accepted but never arrives, `doubled` arrives twice, and `arrived-gone` arrives but is answered with
 * 410.
 *
 * @group Delivery
 */
export type PostFault = 'gone' | 'throttled' | 'failed' | 'lost' | 'doubled' | 'arrived-gone';

/** Decides which fault a post suffers; `undefined` for none. @group Delivery */
export type PostFaults = (post: {
  readonly connectionId: string;
  readonly frame: string;
}) => PostFault | undefined;

/** A connection of {@link TestGateway}. @group Delivery */
export interface GatewayPeer {
  /** When it was opened, in milliseconds since 1970. */
  readonly connectedAt: number;
  /** Receives a text frame. */
  receive(frame: string): void;
  /**
   * Called when the server closes the connection (close code 1000). Ends after the app has got
   * `$disconnect`.
   */
  close(): void | Promise<void>;
}

const ENDPOINT = 'in-process';

/**
 * The `@connections` API in this process, with faults on demand.
 *
 * @example
 * ```ts
 * app.gateway.faults = ({ connectionId }) => (connectionId === bob.id ? 'gone' : undefined);
 * ```
 * @group Delivery
 */
export class TestGateway implements Gateway {
  /** The open connections. */
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
