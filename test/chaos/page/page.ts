// A client in a page. What it has seen is in localStorage, so that it outlives the page like its positions.
import { Random } from '../../../simulation/src/world/random.js';
import type { Line } from '../diary.js';
import { Member, type Texts } from '../member.js';

/** In the query of the page. */
export interface PageOptions {
  readonly name: string;
  readonly url: string;
  readonly channels: readonly string[];
  readonly seed: number;
}

/** What a run asks of a page. */
export interface PageMember {
  readonly member: Member;
  /** Resolves when it has subscribed to its channels. */
  readonly joined: Promise<void>;
  /** How many connections were opened while another one was open. */
  handOvers: number;
  lines(): readonly Line[];
  /** Goes on to send messages after a reload. */
  talk(): void;
  stop(): Promise<void>;
}

declare global {
  var chaos: PageMember;
}

// This project has no types of the DOM.
declare const location: { readonly search: string };
declare const localStorage: Texts;
declare const sessionStorage: Texts;

const options = new URLSearchParams(location.search).get('options') ?? '';
const { name, url, channels, seed } = JSON.parse(options) as PageOptions;

function readLines(): Line[] {
  const lines: Line[] = [];
  for (;;) {
    const line = localStorage.getItem(`line ${lines.length}`);
    if (line === null) return lines;
    lines.push(JSON.parse(line) as Line);
  }
}

const past = readLines();
let written = past.length;

class CountedWebSocket extends WebSocket {
  constructor(address: string, protocols: string[]) {
    super(address, protocols);
    if (globalThis.chaos?.member.isConnected) globalThis.chaos.handOvers += 1;
  }
}

const member = new Member({
  name,
  url,
  channels,
  past,
  random: new Random(seed + past.length),
  WebSocket: CountedWebSocket,
  storage: () => sessionStorage,
  ids: localStorage,
  diary: {
    write(line) {
      localStorage.setItem(`line ${written}`, JSON.stringify(line));
      written += 1;
    },
  },
});

const TALKS = 'talks';

globalThis.chaos = {
  member,
  joined: member.join(),
  handOvers: 0,
  lines: readLines,
  talk() {
    localStorage.setItem(TALKS, 'yes');
    member.talk();
  },
  async stop() {
    localStorage.removeItem(TALKS);
    await member.stop();
  },
};

if (localStorage.getItem(TALKS) !== null) member.talk();
