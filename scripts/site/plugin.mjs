// Makes one site of the pages and the reference. `typedoc.json` loads it.
import { readFileSync, rmSync } from 'node:fs';
import { basename, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Application, DefaultTheme, PageEvent, RendererEvent } from 'typedoc';

const root = fileURLToPath(new URL('../..', import.meta.url));
const SOURCES = 'https://github.com/gatecast/gatecast/blob/main/';

/** Called by TypeDoc. @param {Application} app */
export function load(app) {
  app.renderer.defineTheme('gatecast', SiteTheme);
  app.on(Application.EVENT_BOOTSTRAP_END, () => app.options.setValue('theme', 'gatecast'));
  // Before TypeDoc groups what is in the project, at -100, and after that.
  app.on(Application.EVENT_PROJECT_REVIVE, arrange, 0);
  app.on(Application.EVENT_PROJECT_REVIVE, nameGroups, -150);
  app.renderer.on(RendererEvent.BEGIN, ({ project }) => giveTitles(project));
  app.renderer.on(PageEvent.END, (page) => {
    page.contents = mend(page);
  });
  app.renderer.on(RendererEvent.END, ({ project, outputDirectory }) => {
    for (const name of sourceFiles(project).keys()) rmSync(join(outputDirectory, 'media', name));
  });
}

class SiteTheme extends DefaultTheme {
  /** @override */
  buildNavigation(project) {
    return super.buildNavigation(project).map(withOverview);
  }
}

/** What opens and closes a part of the navigation is not a link, too: not everyone could reach it. */
function withOverview({ path, kind, class: classes, children, ...entry }) {
  if (children === undefined) return { ...entry, path, kind, class: classes };
  const overview = { text: 'Overview', path, kind, class: classes };
  const all = children.map(withOverview);
  return { ...entry, children: path === undefined ? all : [overview, ...all] };
}

/** Puts the pages into the groups and the order of the lists in docs/README.md. */
function arrange(project) {
  const places = contents();
  for (const page of project.documents) {
    const path = relative(root, project.files.getReflectionPath(page));
    const place = places.get(path);
    page.name = basename(path, '.md') === 'README' ? 'index' : basename(path, '.md');
    // Guides can be seen at once: what is in a group has to be opened first.
    page.frontmatter.group = place?.group.replace(/^Guides$/, 'none') ?? 'none';
    page.place = place?.index ?? -1;
  }
  project.documents.sort((a, b) => a.place - b.place);
  const modules = project.childrenIncludingDocuments.filter((child) => !child.isDocument());
  project.childrenIncludingDocuments = [...project.documents, ...modules];
}

/** The pages that docs/README.md lists, by their paths. */
function contents() {
  const places = new Map();
  let group = 'none';
  for (const line of readFileSync(join(root, 'docs/README.md'), 'utf8').split('\n')) {
    const [, heading] = /^## (.*)$/.exec(line) ?? [];
    if (heading !== undefined) group = heading;
    const [, file] = /^- \[[^\]]*\]\(([^)#]+\.md)\)/.exec(line) ?? [];
    if (file !== undefined) places.set(join('docs', file), { group, index: places.size });
  }
  return places;
}

function nameGroups(project) {
  for (const group of project.groups) if (group.title === 'Modules') group.title = 'Packages';
}

/** The name of a page is its heading. A package's heading is the name that TypeDoc shows already. */
function giveTitles(project) {
  for (const page of project.documents) {
    const [, title] = /^# (.*)$/m.exec(page.content[0].text) ?? [];
    if (title !== undefined) page.name = title;
  }
  for (const module of project.children) {
    const first = module.readme?.[0];
    if (first?.kind === 'text') first.text = first.text.replace(/^# .*\n/, '');
  }
}

/** @param {PageEvent} page */
function mend({ contents, url, project }) {
  const up = '../'.repeat(url.split('/').length - 1);
  const sources = sourceFiles(project);
  return (
    contents
      .replaceAll('href="site:', `href="${up}`)
      // READMEs of packages link to the pages on GitHub, because they are also read on npmjs.com.
      .replaceAll(/href="([^"#]+\/docs\/([\w-]+)\.md)/g, (link, to, name) =>
        to === `${SOURCES}docs/${name}.md` && name !== 'README'
          ? `href="${up}documents/${name}.html`
          : link,
      )
      .replaceAll(/href="(?:\.\.\/)*media\/([^"#]+)/g, (link, name) =>
        sources.has(name) ? `href="${SOURCES}${sources.get(name)}` : link,
      )
      // For the same reason, headings that open and close a section are not links.
      .replaceAll(/<summary.*?<\/summary>/gs, (summary) =>
        summary.replaceAll(/<a href="#[^"]*"[^>]*class="tsd-anchor-icon">.*?<\/a>/gs, ''),
      )
      // A wide table can be moved in a narrow window, also with the keyboard.
      .replaceAll(
        '<table>',
        '<div class="table" tabindex="0" role="group" aria-label="Table"><table>',
      )
      .replaceAll('</table>', '</table></div>')
  );
}

/** Files that pages link to and that are not pages of the site, by the names that TypeDoc gives them. */
function sourceFiles(project) {
  const files = [...project.files.getNameToAbsoluteMap()];
  const sources = files.filter(([name]) => !/\.(?:png|svg|webp|gif|jpe?g)$/.test(name));
  return new Map(sources.map(([name, path]) => [name, relative(root, path).replaceAll('\\', '/')]));
}
