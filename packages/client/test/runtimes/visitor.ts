import { type ClientOptions, ClientRequestError, createClient } from '../../src/index.js';

/** What a client told someone who uses it, in order. */
export interface Journal {
  readonly states: string[];
  /** The texts of the events. */
  readonly events: string[];
  /** The texts of the messages that were answered; of the others the text and a code. */
  readonly answers: string[];
}

/** Someone in a room: posts, and notes down what the client says. Runs in every runtime. */
export interface Visitor {
  readonly journal: Journal;
  enter(): Promise<void>;
  post(text: string): Promise<void>;
  leave(): void;
}

export function openVisitor(options: ClientOptions, onChange: () => void = () => {}): Visitor {
  const client = createClient(options);
  const room = client.channel('rooms/1');
  const journal: Journal = { states: [client.state], events: [], answers: [] };
  const note = (kind: keyof Journal, text: string): void => {
    journal[kind].push(text);
    onChange();
  };
  client.onState((state) => note('states', state));
  // A client that has nobody to tell may say on the console that it is refused.
  client.onRefused(() => {});
  room.on('message', (data) => note('events', (data as { text: string }).text));
  return {
    journal,
    async enter() {
      await room.subscribe();
    },
    async post(text) {
      try {
        await room.send('post', { text });
        note('answers', text);
      } catch (error) {
        const why = ClientRequestError.is(error) ? error.code : (error as Error).message;
        note('answers', `${text}: ${why}`);
      }
    },
    leave: () => client.close(),
  };
}

const NEXT: Record<string, readonly string[]> = {
  connecting: ['connected', 'waiting', 'closed'],
  connected: ['waiting', 'connecting', 'closed'],
  waiting: ['connecting', 'closed'],
  closed: [],
};

/** The steps from state to state that make no sense. */
export function badSteps(states: readonly string[]): string[] {
  return states
    .slice(1)
    .map((state, index) => ({ from: states[index] as string, state }))
    .filter(({ from, state }) => !NEXT[from]?.includes(state))
    .map(({ from, state }) => `${from} → ${state}`);
}
