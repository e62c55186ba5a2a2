import type { ServerSettings } from '@gatecast/protocol';

/** The settings that every reply to a subscribe frame contains. */
export function serverSettings(now: number): ServerSettings {
  return {
    // API Gateway closes a connection that is idle for 10 minutes (Amazon API Gateway quotas), and
    // proxies on the way may close it earlier. A ping and its answer are billed as two messages.
    keepAliveMs: 240_000,
    // An account may open 500 connections a second in a Region (Amazon API Gateway quotas).
    reconnectWithinMs: 500,
    resendWithinMs: 300_000,
    now,
  };
}
