/** The element of the page with that id; the page and this code are made for each other. */
export function element<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof type)) {
    throw new Error(`The page has no "${id}" of type ${type.name}. Add it to index.html.`);
  }
  return found;
}
