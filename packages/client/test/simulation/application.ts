import type { Checks } from './checks.js';
import type { SimulatedChannel, SimulatedClient } from './client-under-test.js';
import type { EventListener } from './event-checks.js';
import { actionOf } from './message-checks.js';
import type { Page } from './page.js';
import type { StateListener } from './state-checks.js';
import {
  type ApplicationStep,
  type Behaviour,
  COMPONENTS_PER_CHANNEL,
  channelNames,
} from './steps.js';
import { ApplicationError, type World } from './world.js';

/** One subscribe() of a component, until it fails, ends or is given up. */
interface Stay {
  isHeld: boolean;
  /** In which step it was given up. */
  leftAt?: number;
}

/** A part of the page that uses a channel: it subscribes when it appears, and leaves when it goes. */
interface Component {
  readonly channel: OpenChannel;
  stay: Stay | undefined;
}

interface OpenChannel {
  readonly name: string;
  readonly api: SimulatedChannel;
  /** The latest stay that was given up, and whether its end crossed that. */
  latest: Stay | undefined;
  isDoubtful: boolean;
}

type Listening = Pick<ApplicationStep & { do: 'listen' }, 'to' | 'channel' | 'behaviour'>;
type Listener = { readonly off: () => void; readonly checked: { isOff: boolean } };

/** How often a listener does more than to listen. */
const MAX_DEEDS = 2;

/** Components, messages and listeners of a page, as a plan says. */
export class Application {
  readonly page: Page;
  readonly #world: World;
  readonly #checks: Checks;
  readonly #client: SimulatedClient;
  readonly #channels: readonly OpenChannel[];
  readonly #components: readonly Component[];
  readonly #listeners: Listener[] = [];

  constructor(checks: Checks, client: SimulatedClient, page: Page) {
    this.page = page;
    this.#world = checks.world;
    this.#checks = checks;
    this.#client = client;
    client.onState((state, reason) => checks.states.entered(state, reason?.code));
    this.#channels = channelNames.map((name) => this.#open(name));
    this.#components = this.#channels.flatMap((channel) =>
      Array.from({ length: COMPONENTS_PER_CHANNEL }, () => ({ channel, stay: undefined })),
    );
    if (this.#world.plan.surroundings.listensToRefusals) this.#listenToRefusals();
    for (const index of channelNames.keys()) {
      this.#listen({ to: 'event', channel: index, behaviour: 'nothing' });
    }
  }

  get state(): SimulatedClient['state'] {
    return this.#client.state;
  }

  /** Whether the channel is subscribed to, as far as the application has been told. */
  wants(name: string): 'yes' | 'no' | 'maybe' {
    const stays = this.#components.filter(({ channel }) => channel.name === name);
    const channel = this.#channel(name);
    if (stays.every(({ stay }) => !stay)) return 'no';
    if (channel.isDoubtful) return 'maybe';
    return stays.some(({ stay }) => stay?.isHeld) ? 'yes' : 'maybe';
  }

  /** Does what the plan says that an application does. */
  perform(step: ApplicationStep): void {
    switch (step.do) {
      case 'subscribe':
        this.#subscribe(this.#components[step.component] as Component);
        return;
      case 'unsubscribe':
        this.#unsubscribe(this.#components[step.component] as Component);
        return;
      case 'send':
        for (let time = 0; time < step.times; time += 1) this.#send(step);
        return;
      case 'listen':
        this.#listen(step);
        return;
      case 'stop listening':
        this.#stopListening(step.listener);
        return;
      case 'close':
        this.close();
    }
  }

  /** Every component goes. */
  leaveAll(): void {
    for (const component of this.#components) this.#unsubscribe(component);
  }

  close(): void {
    this.#world.note('close()');
    this.#checks.isClosing = true;
    this.#client.close();
    this.#checks.closed();
  }

  #open(name: string): OpenChannel {
    const api = this.#client.channel(name);
    const channel: OpenChannel = { name, api, latest: undefined, isDoubtful: false };
    // Clients without onEnd tell an end as a refusal.
    api.onEnd?.((end) => {
      this.#world.note('onEnd', name, end);
      this.#ended(channel);
    });
    return channel;
  }

  #listenToRefusals(): void {
    this.#client.onRefused(({ error, channel }) => {
      this.#world.note('onRefused', error.code, channel ?? '');
      if (channel === undefined) this.#checks.states.told();
      const ended = this.#channels.find(({ name }) => name === channel);
      if (ended && !ended.api.onEnd) this.#ended(ended);
    });
  }

  #ended(channel: OpenChannel): void {
    // Whoever gives up in the very step of an end cannot know whose share the client took.
    if (channel.latest?.leftAt === this.#world.time.step) channel.isDoubtful = true;
    for (const component of this.#components) {
      if (component.channel === channel && component.stay?.isHeld) component.stay = undefined;
    }
  }

  #subscribe(component: Component): void {
    if (component.stay || this.#checks.isClosing) return;
    const { channel } = component;
    this.#world.note('subscribe()', channel.name);
    this.#checks.called('request');
    const stay: Stay = { isHeld: false };
    component.stay = stay;
    const promise = channel.api.subscribe();
    const isGivenUp = (): boolean => component.stay !== stay;
    this.#checks.subscriptions.follow('subscribe', { channel: channel.name, promise, isGivenUp });
    promise.then(
      () => {
        stay.isHeld = true;
      },
      (error: unknown) => {
        const { code } = Object(error) as { readonly code?: unknown };
        if (component.stay === stay) component.stay = undefined;
        else if (stay.leftAt === this.#world.time.step && code !== 'ERR_UNSUBSCRIBED') {
          channel.isDoubtful = true;
        }
        this.#clearDoubt(channel);
      },
    );
  }

  #unsubscribe(component: Component): void {
    const { channel, stay } = component;
    // One that has nothing to leave may not take another one's share.
    if (!stay || this.#checks.isClosing) return;
    this.#world.note('unsubscribe()', channel.name);
    this.#checks.called('request');
    component.stay = undefined;
    stay.leftAt = this.#world.time.step;
    channel.latest = stay;
    const promise = channel.api.unsubscribe();
    this.#checks.subscriptions.follow('unsubscribe', { channel: channel.name, promise });
    this.#clearDoubt(channel);
  }

  #clearDoubt(channel: OpenChannel): void {
    if (this.wants(channel.name) === 'no') channel.isDoubtful = false;
  }

  #send(
    step: Pick<
      ApplicationStep & { do: 'send' },
      'channel' | 'timeoutMs' | 'isOneWay' | 'isAwaited'
    >,
  ): void {
    if (this.#checks.isClosing) return;
    const { timeoutMs, isOneWay, isAwaited } = step;
    const { name, api } = this.#channels[step.channel] as OpenChannel;
    const message = this.#checks.messages.begin({ channel: name, timeoutMs, isOneWay, isAwaited });
    this.#checks.called('message');
    this.#world.note('send()', message.n, name, timeoutMs ?? '', isOneWay ? 'one-way' : '');
    const [, action = ''] = actionOf(message).split('.');
    const sending = api.send(
      action,
      { n: message.n },
      { ...(timeoutMs !== undefined && { timeoutMs }), ...(isOneWay && { reply: false }) },
    );
    if (sending?.id !== undefined) message.eventId = sending.id;
    if (isAwaited && sending) this.#checks.messages.follow(message, sending);
  }

  #listen(step: Listening): void {
    const { checked, on } = this.#prepare(step);
    let deeds = 0;
    let off = (): void => {};
    const called = (): unknown => {
      if (deeds >= MAX_DEEDS || checked.isOff) return undefined;
      deeds += 1;
      return this.#behave(step, () => off());
    };
    const end = on(called);
    off = () => {
      checked.isOff = true;
      end();
    };
    this.#listeners.push({ off, checked });
  }

  /** How to add a listener of that kind, and what is checked of it. */
  #prepare({ to, channel }: Listening): {
    readonly checked: { isOff: boolean };
    readonly on: (called: () => unknown) => () => void;
  } {
    const { events, states } = this.#checks;
    const { name, api } = this.#channels[channel] as OpenChannel;
    if (to === 'event') {
      const checked: EventListener = events.listen(name, 'message');
      const on = (called: () => unknown): (() => void) =>
        api.on('message', (data, event) => {
          events.heard(checked, data, event.id);
          return called();
        });
      return { checked, on };
    }
    if (to === 'state') {
      const checked: StateListener = states.listen();
      const on = (called: () => unknown): (() => void) =>
        this.#client.onState((state) => {
          states.heard(checked, state);
          return called();
        });
      return { checked, on };
    }
    const checked = { isOff: false };
    const { listensToRefusals } = this.#world.plan.surroundings;
    if (to === 'end') return { checked, on: (called) => api.onEnd?.(called) ?? (() => {}) };
    if (!listensToRefusals) return { checked, on: () => () => {} };
    return { checked, on: (called) => this.#client.onRefused(called) };
  }

  #behave(step: Listening, off: () => void): unknown {
    const { channel, behaviour } = step;
    const component = this.#components[channel * COMPONENTS_PER_CHANNEL] as Component;
    const message = { channel, timeoutMs: undefined, isOneWay: false, isAwaited: true };
    const deeds: Readonly<Record<Behaviour, () => unknown>> = {
      nothing: () => {},
      throw: () => {
        throw new ApplicationError('A listener throws.');
      },
      reject: async () => Promise.reject(new ApplicationError('A listener rejects.')),
      send: () => this.#send(message),
      subscribe: () => this.#subscribe(component),
      unsubscribe: () => this.#unsubscribe(component),
      listen: () => this.#listen({ ...step, behaviour: 'nothing' }),
      'stop listening': off,
      'stop the latest': () => this.#listeners.at(-1)?.off(),
      close: () => this.close(),
    };
    if (behaviour !== 'nothing') this.#world.note('a listener does', behaviour);
    return deeds[behaviour]();
  }

  #stopListening(index: number): void {
    this.#listeners[index % this.#listeners.length]?.off();
  }

  #channel(name: string): OpenChannel {
    return this.#channels.find((channel) => channel.name === name) as OpenChannel;
  }
}
