// A page with the client in it.

import { optionsOf, roomOf, show } from '../page-visitor.js';
import { openVisitor } from '../visitor.js';

const visitor = openVisitor({ url: roomOf(location), ...optionsOf(location) });
void visitor.enter();
show({ journal: () => visitor.journal, post: (text) => void visitor.post(text) });
