// An app whose only way out is a global.
import { openVisitor } from '../visitor.js';

Object.assign(globalThis, { openVisitor });
