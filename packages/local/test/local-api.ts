import { type GatewayOptions, openGateway } from '../src/dev/open-gateway.js';
import type { Deployment, GatewayRoute } from '../src/gateway/deployment.js';
import type { GatewayEvent } from '../src/gateway/events.js';
import type { InvocationResult, LambdaFunction } from '../src/gateway/lambda-function.js';
import type { Gateway } from '../src/gateway/open-gateway.js';

/** An event as a function sees it. */
export interface SeenEvent {
  readonly [key: string]: unknown;
  readonly body?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly multiValueHeaders: Readonly<Record<string, readonly string[]>>;
  readonly requestContext: {
    readonly [key: string]: unknown;
    readonly routeKey: string;
    readonly connectionId: string;
    readonly requestId: string;
  };
}

/**
 * A Lambda function in this process. Its result goes through JSON, and an exception becomes an error.
 */
export class TestFunction implements LambdaFunction {
  readonly events: SeenEvent[] = [];
  readonly #respond: (event: SeenEvent) => unknown;

  constructor(respond: (event: SeenEvent) => unknown = () => ({ statusCode: 200 })) {
    this.#respond = respond;
  }

  async invoke(event: object): Promise<InvocationResult> {
    const seen = JSON.parse(JSON.stringify(event)) as SeenEvent;
    this.events.push(seen);
    try {
      const returned = await this.#respond(seen);
      return { type: 'response', payload: JSON.parse(JSON.stringify(returned ?? null)) };
    } catch (error) {
      const { name, message } = error as Error;
      return { type: 'error', errorType: name, errorMessage: message };
    }
  }

  /** The events of one route, in order. */
  of(routeKey: string): SeenEvent[] {
    return this.events.filter((event) => event.requestContext.routeKey === routeKey);
  }
}

export interface LocalApiOptions extends GatewayOptions {
  /** The handler of the function. @default answers 200 */
  readonly respond?: (event: SeenEvent) => unknown;
  /** @default $connect, $disconnect and $default */
  readonly routes?: readonly (string | GatewayRoute)[];
  readonly authorizer?: Deployment['authorizer'];
  readonly services?: Deployment['services'];
}

export interface LocalApi extends AsyncDisposable {
  readonly gateway: Gateway;
  readonly url: string;
  readonly handler: TestFunction;
  readonly log: readonly GatewayEvent[];
}

/** A gateway with a function behind it. */
export async function openLocalApi(options: LocalApiOptions = {}): Promise<LocalApi> {
  const { respond, authorizer, services, routes, ...gatewayOptions } = options;
  const served = routes ?? ['$connect', '$disconnect', '$default'];
  const log: GatewayEvent[] = [];
  const gateway = await openGateway({ onEvent: (event) => log.push(event), ...gatewayOptions });
  const handler = new TestFunction(respond);
  gateway.use({
    handler,
    authorizer,
    services,
    routes: served.map((route) => (typeof route === 'string' ? { routeKey: route } : route)),
  });
  return {
    gateway,
    url: gateway.url,
    handler,
    log,
    [Symbol.asyncDispose]: () => gateway.close(),
  };
}
