import type { ClientOptions } from '../../src/index.js';
import type { Journal } from './visitor.js';

/** What a test asks of a page. */
export interface PageVisitor {
  journal(): Journal;
  post(text: string): void;
}

declare global {
  var visitor: PageVisitor;
  /** For each time that the page was shown, whether it came out of the page cache. */
  var arrivals: boolean[];
  /** How often the page was stopped. */
  var freezes: number;
}

/** Makes the visitor of a page known to the test. */
export function show(visitor: PageVisitor): void {
  globalThis.visitor = visitor;
  globalThis.arrivals = [];
  globalThis.freezes = 0;
  addEventListener('pageshow', ({ persisted }) => arrivals.push(persisted));
  document.addEventListener('freeze', () => {
    freezes += 1;
  });
}

/** The URL of the room, from that of the page or the worker. */
export function roomOf({ search }: { readonly search: string }): string {
  return new URLSearchParams(search).get('room') as string;
}

/** How its client works, from the URL of the page. */
export function optionsOf({
  search,
}: {
  readonly search: string;
}): Pick<ClientOptions, 'handshake' | 'storage'> {
  const query = new URLSearchParams(search);
  return {
    ...(query.has('query') && { handshake: 'query' }),
    ...(query.has('storage') && { storage: () => sessionStorage }),
  };
}
