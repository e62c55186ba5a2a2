import { makeMessageEvent, makeRequestId } from '@gatecast/framework/testing';
import { channelsAfter } from '../../dev/control/channels-after.js';
import { isThrottled } from '../access/throttling.js';
import type { Api } from '../api.js';
import { elapsed } from '../clock.js';
import type { ServedDeployment, ServedRoute } from '../deployment.js';
import { integrate } from '../routes/integration.js';
import { describe, type ProxyOutcome } from '../routes/invoke.js';
import type { Connection } from './connection.js';
import { badBodyText, errorText } from './error-text.js';
import { messageFor } from './refusal.js';

/** Makes the handler for messages of one connection, which run concurrently or one after the other. */
export function messageHandler(api: Api, connection: Connection): (body: string) => void {
  if (!api.isSerial) return (body) => void answerMessage(api, connection, body);
  let previous = Promise.resolve();
  return (body) => {
    previous = previous.then(() => answerMessage(api, connection, body));
  };
}

/**
 * Routes one message to its integration and sends the answer to the client. Never rejects, because nobody
 * waits for it but the next message of a connection in serial mode.
 */
async function answerMessage(api: Api, connection: Connection, body: string): Promise<void> {
  const time = api.now();
  const requestId = makeRequestId();
  try {
    await handleMessage(api, connection, { body, time, requestId });
  } catch (error) {
    const { connectionId } = connection.details;
    connection.send(Buffer.from(errorText('Internal server error', { connectionId, requestId })));
    const detail = `The gateway failed: ${String(error)}`;
    api.report({ time, route: '$default', connectionId, result: 'failed', detail });
  }
}

/**
 * The invocation starts before the first `await`, so that messages start in the order of arrival and do
 * not wait for each other (row 5.11).
 */
async function handleMessage(
  api: Api,
  connection: Connection,
  { body, time, requestId }: { readonly body: string; readonly time: number; requestId: string },
): Promise<void> {
  const { connectionId } = connection.details;
  connection.lastActiveAt = time;
  const frames: string[] = [];
  const answer = (text: string) => {
    frames.push(text);
    connection.lastActiveAt = api.now();
    connection.send(Buffer.from(text));
  };

  const { deployment } = api;
  const route = deployment && findRoute(deployment, api.selectRoute(body));
  const routeKey = route?.routeKey ?? '$default';
  if (deployment && isThrottled(api, deployment, { route: routeKey, connectionId })) {
    answer(errorText('Too Many Requests', { connectionId, requestId }));
    return;
  }
  if (!deployment || !route) {
    answer(errorText('Forbidden', { connectionId, requestId }));
    const detail = 'No route matches, and there is no "$default".';
    const refused = { time, route: routeKey, connectionId, result: 'no route', detail } as const;
    api.report(refused, { event: { body }, frames });
    return;
  }
  const { twoWay = false } = route;
  const details = { ...api.details, ...connection.details };
  const event = makeMessageEvent({ ...details, routeKey, body, requestId, now: time });
  const problem = route.checkBody?.(body);
  if (problem !== undefined) {
    answer(badBodyText({ connectionId, messageId: event.requestContext.messageId }));
    const detail = `Bad request body: ${problem}`;
    const refused = { time, route: routeKey, connectionId, result: 'refused', detail } as const;
    api.report(refused, { event, frames });
    return;
  }
  const fault = api.faults.strike('invocation', { connectionId, routeKey });
  if (fault?.kind === 'delayed') await elapsed(api.clock, fault.delayMs);
  const kill = fault?.kind === 'killed' ? AbortSignal.timeout(fault.delayMs ?? 0) : undefined;
  const outcome = await integrate(api, deployment, { route, event, kill });
  const error = errorOf(outcome);
  if (error !== undefined) answer(errorText(error, { connectionId, requestId }));
  // A two-way route without a body answers with an empty frame (row 5.3); a one-way route stays
  // silent, whatever its integration responses are (row 8.14).
  else if (twoWay && outcome.type === 'response') answer(outcome.response.body ?? '');
  const described = describe(outcome, { isUnseen: !twoWay });
  if (api.journal) {
    connection.channels = channelsAfter(connection.channels, { body, answer: frames[0] });
  }
  api.report({ time, route: routeKey, connectionId, ...described }, { event, frames });
}

/** A message cannot select a lifecycle route: keys that begin with `$` never match (row 2.8). */
function findRoute(
  { routes }: ServedDeployment,
  routeKey: string | undefined,
): ServedRoute | undefined {
  const isCustom = routeKey !== undefined && !routeKey.startsWith('$');
  return (isCustom ? routes.get(routeKey) : undefined) ?? routes.get('$default');
}

/**
 * The error frame of a failed integration, which one-way routes send, too (row 5.5). A status that a
 * function returns is not an error (row 5.4).
 */
function errorOf(outcome: ProxyOutcome): string | undefined {
  if (outcome.type === 'failed') return messageFor(outcome.status ?? 502);
  return outcome.type === 'timeout' ? 'Endpoint request timed out' : undefined;
}
