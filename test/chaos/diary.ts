/** One line of what a client has seen and done. Lines are in the order in which they happened. */
export type Line =
  /** It subscribes. The first event that it then gets has the offset `first`, or up to `latest`. */
  | { readonly is: 'joined'; readonly channel: string; readonly first: number }
  | { readonly is: 'settled'; readonly channel: string; readonly latest: number }
  | { readonly is: 'left'; readonly channel: string }
  | {
      readonly is: 'event';
      readonly channel: string;
      readonly id: string;
      readonly position: string | undefined;
      readonly text: string;
    }
  | { readonly is: 'reset'; readonly channel: string; readonly reason: string }
  /** It sends a message. The answer follows, unless the client ends before. */
  | { readonly is: 'sent'; readonly channel: string; readonly n: number }
  | {
      readonly is: 'accepted';
      readonly channel: string;
      readonly n: number;
      readonly position: string;
      /** Whether an earlier attempt had put it into the log. */
      readonly isDuplicate: boolean;
    }
  | {
      readonly is: 'refused';
      readonly channel: string;
      readonly n: number;
      readonly code: string;
    };

/** Where lines are written. */
export interface Diary {
  write(line: Line): void;
}

/** One subscription of a client, from when it began to its end. */
export interface Subscription {
  readonly subscriber: string;
  readonly channel: string;
  /** The lowest offset that its first event may have. */
  readonly first: number;
  /** The highest one. */
  latest: number;
  readonly heard: { readonly id: string; readonly position: string | undefined; text: string }[];
  readonly resets: string[];
  /** Whether it lasts until the end of the run. */
  isOpen: boolean;
}

/** One message, and what became of it. */
export interface Message {
  readonly by: string;
  readonly channel: string;
  readonly n: number;
  outcome: 'unknown' | 'accepted' | 'refused';
  position?: string;
  isDuplicate?: boolean;
  code?: string;
}

/** What a diary says. */
export interface Account {
  readonly subscriptions: readonly Subscription[];
  readonly messages: readonly Message[];
  /** Lines that cannot be: an event of a channel that the client had left. */
  readonly impossible: readonly string[];
}

/** Reads a diary. */
export function readDiary(name: string, lines: readonly Line[]): Account {
  const subscriptions: Subscription[] = [];
  const current = new Map<string, Subscription>();
  const messages = new Map<string, Message>();
  const impossible: string[] = [];
  for (const line of lines) {
    const { channel } = line;
    if (line.is === 'joined') {
      const { first } = line;
      const begun = { subscriber: name, channel, first, latest: first, isOpen: true };
      const subscription = { ...begun, heard: [], resets: [] };
      subscriptions.push(subscription);
      current.set(channel, subscription);
    } else if (line.is === 'sent') {
      const message: Message = { by: name, channel, n: line.n, outcome: 'unknown' };
      messages.set(`${channel} ${line.n}`, message);
    } else if (line.is === 'accepted' || line.is === 'refused') {
      const { is: outcome, ...answer } = line;
      const message = messages.get(`${channel} ${line.n}`);
      if (message) Object.assign(message, answer, { outcome });
      else
        impossible.push(`${name} got an answer to ${line.n} on ${channel}, which it had not sent`);
    } else {
      const subscription = current.get(channel);
      if (!subscription?.isOpen)
        impossible.push(`${name}: ${line.is} on ${channel}, which it had left`);
      else if (line.is === 'settled') subscription.latest = line.latest;
      else if (line.is === 'left') subscription.isOpen = false;
      else if (line.is === 'reset') subscription.resets.push(line.reason);
      else subscription.heard.push({ id: line.id, position: line.position, text: line.text });
    }
  }
  return { subscriptions, messages: [...messages.values()], impossible };
}
