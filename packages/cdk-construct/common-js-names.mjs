// Variables that CommonJS code expects and an ES module does not have. A bundle takes them from here.
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';

const bundle = fileURLToPath(import.meta.url);
const folder = dirname(bundle);

export { bundle as __filename, folder as __dirname };
