import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import GitHubSlugger from 'github-slugger';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const read = (path: string): string => readFileSync(join(root, path), 'utf8');

/** Where the READMEs of packages link to, which are also read on npmjs.com, without the other files. */
const SOURCES = 'https://github.com/gatecast/gatecast/blob/main/';

/** All pages of the repository, also those that are not committed yet. */
const pages = execFileSync(
  'git',
  ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'],
  { cwd: root, encoding: 'utf8' },
)
  .split('\n')
  .filter((path) => path !== '' && existsSync(join(root, path)));

/** A page without its blocks of code; without code in sentences, too, if links are looked for. */
const withoutBlocks = (text: string): string => text.replaceAll(/^( *)```.*?^\1```$/gms, '');
const withoutCode = (text: string): string => withoutBlocks(text).replaceAll(/`[^`\n]*`/g, '');

/** What a page links to and shows: Markdown's links and images, its definitions of links, and HTML. */
function targets(markdown: string): string[] {
  const patterns = [
    /\]\(<?([^)\s>]+)>?(?: "[^"]*")?\)/g,
    /^\[[^\]]+\]: <?(\S+?)>?$/gm,
    /(?:href|src(?:set)?)="([^"\s]+)"/g,
  ];
  const text = withoutCode(markdown);
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map(([, target = '']) => target),
  );
}

/** The anchors of a page, as GitHub makes them of its headings. */
function anchors(markdown: string): Set<string> {
  const slugger = new GitHubSlugger();
  const headings = [...withoutBlocks(markdown).matchAll(/^#{1,6} (.*)$/gm)].map(
    // A link in a heading counts by its text, and what makes it code or bold does not count.
    ([, heading = '']) =>
      heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').replaceAll(/[`*]/g, ''),
  );
  const own = [...markdown.matchAll(/<a (?:[^>]* )?id="([^"]+)"/g)].map(([, id = '']) => id);
  return new Set([...headings.map((heading) => slugger.slug(heading)), ...own]);
}

/** Why a link of a page leads nowhere, if so. */
function problemOf(page: string, target: string): string | undefined {
  if (target.startsWith(SOURCES)) return problemOf('README.md', target.slice(SOURCES.length));
  if (/^[a-z][a-z+.-]*:/.test(target)) {
    const isSound = target.startsWith('mailto:') || URL.canParse(target);
    return isSound ? undefined : `${page}: ${target} is not a URL`;
  }
  const [file = '', anchor] = target.split('#').map(decodeURIComponent);
  const path = file === '' ? page : normalize(join(dirname(page), file));
  if (path.startsWith('..')) return `${page}: ${target} leads out of the repository`;
  const place = join(root, path);
  if (!existsSync(place)) return `${page}: there is no ${path}`;
  if (anchor === undefined) return undefined;
  if (statSync(place).isDirectory() || !path.endsWith('.md')) {
    return /^L\d+(?:-L\d+)?$/.test(anchor) ? undefined : `${page}: ${path} has no anchors`;
  }
  return anchors(read(path)).has(anchor) ? undefined : `${page}: ${path} has no heading #${anchor}`;
}

it('L10 every link in every page leads to a file and a heading', () => {
  const links = pages.flatMap((page) => targets(read(page)).map((target) => ({ page, target })));
  expect(pages.length).toBeGreaterThan(20);
  expect(links.length).toBeGreaterThan(300);
  expect(links.flatMap(({ page, target }) => problemOf(page, target) ?? [])).toEqual([]);
});

it('L10 links in the READMEs of packages are absolute', () => {
  const readmes = pages.filter((page) => /^packages\/[^/]+\/README\.md$/.test(page));
  expect(readmes.length).toBeGreaterThan(5);
  const relative = readmes.flatMap((page) =>
    targets(read(page))
      .filter((target) => !/^(?:https:|#)/.test(target))
      .map((target) => `${page}: ${target}`),
  );
  expect(relative).toEqual([]);
});

it('finds links that lead nowhere, and those in code are not links', () => {
  const page = 'docs/client.md';
  expect(targets('[a](b.md#c) ![d](e.png "f")\n[g]: h\n<img src="i">\n`[j](k)`\n')).toEqual([
    'b.md#c',
    'e.png',
    'h',
    'i',
  ]);
  for (const sound of ['history.md#turn-it-on', '#send', '../packages/client', 'mailto:a@b.c']) {
    expect(problemOf(page, sound)).toBeUndefined();
  }
  expect(problemOf(page, `${SOURCES}docs/history.md#turn-it-on`)).toBeUndefined();
  expect(problemOf(page, `${SOURCES}docs/history.md#nothing`)).toContain('no heading');
  expect(problemOf(page, 'nothing.md')).toBe('docs/client.md: there is no docs/nothing.md');
  expect(problemOf(page, '#nothing')).toBe(
    'docs/client.md: docs/client.md has no heading #nothing',
  );
  expect(problemOf(page, '../../else.md')).toContain('leads out of the repository');
  expect(problemOf(page, '../LICENSE#nothing')).toContain('has no anchors');
});

it('makes anchors as GitHub does', () => {
  const text = '# `a.b()` & *c*\n## Ü, ß\n## A [link](b.md)\n## Ü, ß\n```sh\n# none\n```\n';
  expect([...anchors(text)]).toEqual(['ab--c', 'ü-ß', 'a-link', 'ü-ß-1']);
});

it('the index lists every page of docs', () => {
  const index = targets(read('docs/README.md'));
  const names = readdirSync(join(root, 'docs')).filter((name) => name.endsWith('.md'));
  const others = names.filter((name) => name !== 'README.md' && !index.includes(name));
  expect(others).toEqual([]);
});
