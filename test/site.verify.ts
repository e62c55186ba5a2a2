// The site that `npm run docs` builds: no broken link, and no serious or critical finding of axe.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { describeInChromium, openChromium, overflow, violations } from './chromium.js';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
let site: string;
const pages = new Map<string, string>();

beforeAll(async () => {
  site = await mkdtemp(join(tmpdir(), 'gatecast-site-'));
  const typedoc = join(root, 'node_modules/typedoc/bin/typedoc');
  await run(process.execPath, [typedoc, '--logLevel', 'Warn', '--out', site], { cwd: root });
  for (const name of await readdir(site, { recursive: true })) {
    if (name.endsWith('.html')) pages.set(name, await readFile(join(site, name), 'utf8'));
  }
}, 600_000);

afterAll(() => rm(site, { recursive: true, force: true }));

/** What a page links to or loads, with the entities of HTML decoded. */
function targets(html: string): string[] {
  return [...html.matchAll(/ (?:href|src)="([^"]*)"/g)].map(([, target = '']) =>
    target.replaceAll('&quot;', '"').replaceAll('&lt;', '<').replaceAll('&amp;', '&'),
  );
}

function hasAnchor(html: string, anchor: string): boolean {
  return anchor === '' || html.includes(` id="${anchor.replaceAll('&', '&amp;')}"`);
}

describe('the site', () => {
  it('has a page for each guide and for the reference', () => {
    expect(pages.size).toBeGreaterThan(300);
    for (const page of ['index.html', 'documents/client.html', 'documents/operate.html']) {
      expect([...pages.keys()]).toContain(page);
    }
  });

  it('has no broken link', () => {
    const broken = [...pages].flatMap(([page, html]) =>
      targets(html)
        .filter((target) => !/^(?:https?|mailto|data):/.test(target))
        .filter((target) => {
          const [file = '', anchor = ''] = target.split(/[?#]/).map(decodeURIComponent);
          const path = file === '' ? page : join(dirname(page), file);
          const other = pages.get(path);
          if (other === undefined) return !existsSync(join(site, path));
          return target.includes('#') && !hasAnchor(other, anchor);
        })
        .map((target) => `${page}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('L11 has a group for each export of the packages that apps import', () => {
    const names = [
      'framework',
      'framework._gatecast_framework_testing',
      'client',
      'local',
      'protocol',
    ];
    for (const name of names) {
      const html = pages.get(`modules/_gatecast_${name}.html`) ?? '';
      const groups = [...html.matchAll(/data-key="section-([^"]+)"/g)].map(([, group]) => group);
      expect(groups.length).toBeGreaterThan(3);
      const kinds = ['Classes', 'Interfaces', 'Functions', 'Variables', 'Type Aliases'];
      expect(groups.filter((group) => kinds.includes(group ?? ''))).toEqual([]);
    }
    const start = /data-key="section-Start here".*?<\/details>/s;
    const [first = ''] = start.exec(pages.get('modules/_gatecast_framework.html') ?? '') ?? [];
    expect(first).toContain('_gatecast_framework.createApp.html');
    expect(first).toContain('_gatecast_framework.Channel.html');
  });

  it('shows the title of each page once', () => {
    const titles = [...pages].map(([page, html]) => [page, html.match(/<h1/g)?.length ?? 0]);
    expect(titles.filter(([, count]) => count !== 1)).toEqual([]);
  });
});

describeInChromium('a reader of the site', () => {
  it.each(['light', 'dark'] as const)(
    'meets no serious barrier and nothing that is too wide, when it is %s',
    { timeout: 600_000 },
    async (colorScheme) => {
      const browser = await openChromium();
      try {
        for (const width of [1_280, 390]) {
          const context = await browser.newContext({
            viewport: { width, height: 844 },
            colorScheme,
          });
          const page = await context.newPage();
          for (const path of [
            'index.html',
            'documents/index.html',
            'documents/client.html',
            'documents/operate.html',
            'documents/history.html',
            'modules/_gatecast_framework.html',
            'functions/_gatecast_framework.createApp.html',
            'interfaces/_gatecast_framework.MessageContext.html',
            'classes/_gatecast_framework.DeliveryError.html',
          ]) {
            await page.goto(pathToFileURL(join(site, path)).href);
            await page.locator('#tsd-nav-container a').first().waitFor({ state: 'attached' });
            const findings = { axe: await violations(page), wider: await overflow(page) };
            expect({ path, width, ...findings }).toEqual({ path, width, axe: [], wider: 0 });
          }
          await context.close();
        }
      } finally {
        await browser.close();
      }
    },
  );

  it('finds every page in the navigation', { timeout: 120_000 }, async () => {
    const browser = await openChromium();
    try {
      const page = await browser.newPage();
      await page.goto(pathToFileURL(join(site, 'index.html')).href);
      await page.locator('#tsd-nav-container a').first().waitFor({ state: 'attached' });
      const paths = await page
        .locator('#tsd-nav-container a')
        .evaluateAll((links) => links.map((link) => (link as unknown as { href: string }).href));
      const files = paths.map((href) => relative(site, fileURLToPath(href.split('#')[0] ?? '')));
      expect(files.filter((file) => !pages.has(file))).toEqual([]);
      const guides = [...pages.keys()].filter((file) => file.startsWith('documents'));
      expect(guides.filter((file) => !files.includes(file))).toEqual([]);
    } finally {
      await browser.close();
    }
  });
});
