import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const bundle: string = fileURLToPath(import.meta.url);
const folder: string = dirname(bundle);

// Variables that CommonJS code expects and an ES module does not have. esbuild injects them where the
// code does not declare these names itself, and drops them if they are unused.
export { bundle as __filename, folder as __dirname };
