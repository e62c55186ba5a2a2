import { ClientError, GatecastError, type Plugin } from '@gatecast/framework';

/** A plugin that keeps what the app reports, so that none of it goes to the console. */
export interface Ear {
  readonly plugin: Plugin;
  /** What was reported, in order. */
  readonly errors: unknown[];
  /** The codes of it; the message of what has no code. */
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
