import type { GatewayEvent, PostEvent, Traffic } from './events.js';
import type { Exchange } from './http/answer.js';

/** Something besides API Gateway at the same port, which sees the traffic, such as the control API. */
export interface Extension {
  /** It answers requests whose paths begin with this, and those for `/` that nothing else answers. */
  readonly path: string;
  answer(pathname: string, exchange: Exchange): Promise<void>;
  /** Called after each event. Returns the event as it is reported. */
  onEvent(event: GatewayEvent, traffic: Traffic): GatewayEvent;
  /** Called after each answered post to `@connections`. */
  onPost(post: PostEvent): void;
}
