import { ClientError, GatecastError, type Plugin } from '@gatecast/framework';
import type { TestConnection } from '@gatecast/framework/testing';

/** A plugin that collects the app's errors, so that they are not written to the console. */
export interface Ear {
  readonly plugin: Plugin;
  /** The reported errors, in order. */
  readonly errors: unknown[];
  /** Their codes, or messages if they have no code. */
  codes(): string[];
}

export function listen(): Ear {
  const errors: unknown[] = [];
  return {
    plugin: { name: 'ear', onError: (error) => void errors.push(error) },
    errors,
    codes: () =>
      errors.map((error) =>
        ClientError.is(error) || error instanceof GatecastError ? error.code : String(error),
      ),
  };
}

/** The code of a refusal, or the data of a reply. */
export function outcomeOf(answer: unknown): unknown {
  const { error, data } = answer as { error?: { code: string }; data?: unknown };
  return error ? error.code : data;
}

/**
 * Sends a list of channels. Returns the outcome of each: its code, `live` or `left`; only one code if the
 * frame is refused.
 */
export async function list(
  client: TestConnection,
  action: string,
  channels: unknown[],
): Promise<unknown[]> {
  const data = outcomeOf(await client.sendFrame({ action, id: 'l', channels }));
  if (typeof data === 'string') return [data];
  const outcomes = (data as { channels: { error?: { code: string }; result?: string }[] }).channels;
  return outcomes.map(({ error, result }) => error?.code ?? result ?? 'left');
}
