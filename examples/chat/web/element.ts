/** The element of index.html with that id. */
export function element<E extends HTMLElement>(id: string, type: new () => E): E {
  const found = document.getElementById(id);
  if (!(found instanceof type)) {
    throw new Error(`The page has no "${id}" of type ${type.name}. Add it to index.html.`);
  }
  return found;
}
