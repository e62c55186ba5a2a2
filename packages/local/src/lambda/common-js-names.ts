import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const bundle: string = fileURLToPath(import.meta.url);
const folder: string = dirname(bundle);

// What CommonJS code finds around itself and an ES module lacks. esbuild puts these in the place of
// the names that the code does not declare itself, and drops them when nobody uses them.
export { bundle as __filename, folder as __dirname };
