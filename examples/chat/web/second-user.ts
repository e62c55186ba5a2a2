/** Who joins at once, in a tab that was opened by such a link. */
export function secondUser(): string {
  return new URLSearchParams(location.search).get('as')?.trim().slice(0, 40) ?? '';
}

/** Lets the links of the page open a second tab in that room, as somebody else. */
export function offerSecondUser(room: string, name: string): void {
  const other = name === 'Bob' ? 'Ann' : 'Bob';
  for (const link of document.querySelectorAll<HTMLAnchorElement>('.second-user')) {
    link.href = `?as=${other}#${encodeURIComponent(room)}`;
    link.textContent = `open a second tab as ${other}`;
  }
}
