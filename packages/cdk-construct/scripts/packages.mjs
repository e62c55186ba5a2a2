// Makes the packages of all languages, the compiled construct inside: the archive for npm, and sources for
// Python, Java, .NET and Go, whose own tools build them. `npm run packages -- <folder>` writes them there,
// otherwise to dist. Needs the package's `npm run build` first.
import { runJsii } from './jsii.mjs';

const [folder = 'dist'] = process.argv.slice(2);
// package.json says what is published, so there is no .npmignore to extend.
runJsii('jsii-pacmak', ['--code-only', '--no-npmignore', '--outdir', folder]);
