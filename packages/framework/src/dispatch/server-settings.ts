import type { ServerSettings } from '@gatecast/protocol';

/** What every client is told with the reply to its subscribe frames. */
export function serverSettings(now: number): ServerSettings {
  return {
    // API Gateway closes a connection that is idle for 10 minutes (Amazon API Gateway quotas), and what lies
    // on the way to it may do so earlier. A ping and its answer are two messages that are billed.
    keepAliveMs: 240_000,
    // An account may open 500 connections a second in a Region (Amazon API Gateway quotas).
    reconnectWithinMs: 500,
    resendWithinMs: 300_000,
    now,
  };
}
