/** The element of the page with that id; the page and this code are made for each other. */
export function element<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof type)) {
    throw new Error(`The page has no "${id}" of type ${type.name}. Add it to index.html.`);
  }
  return found;
}

/** Makes an element. Text goes in as text, whoever wrote it. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  properties: Partial<HTMLElementTagNameMap[K]> = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

/** JSON over several lines; any other text as it is. */
export function pretty(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}

/** The local time of day, to the second. */
export function timeOfDay(timeMs: number): string {
  return new Date(timeMs).toTimeString().slice(0, 8);
}
