import { type PlantedFault, plant } from './planted-fault.js';

const READER = 'simulation/src/client/reader.ts';

/** Faults in the client: here in the reader that stands for it. */
export const clientFaults: readonly PlantedFault[] = [
  plant('client drops the next event, too', {
    file: READER,
    find: 'if (position.offset < next) return;',
    replace: 'if (position.offset <= next) return;',
  }),
  plant('client delivers out of order', {
    file: READER,
    find: 'if (position.offset > next) {',
    replace: 'if (position.offset > next + 1_000_000) {',
  }),
  plant('client delivers twice', {
    file: READER,
    find: 'if (position.offset < next) return;',
    replace: 'if (position.offset < next - 1) return;',
  }),
  plant('client does not tell of a reset', {
    file: READER,
    find: "if (result === 'reset') this.#host.reset(outcome.reason, end);",
    replace: '',
  }),
  plant('client comes back without its position', {
    file: READER,
    find: 'const entry = this.#position\n',
    replace: 'const entry = this.#position && this.#asked < 2\n',
  }),
  plant('client never asks for the end', {
    file: READER,
    find: "if (result === 'behind') this.#fill();",
    replace: "if (result === 'behind') this.#stop('gap');",
  }),
  plant('client keeps events of an earlier log', {
    file: READER,
    find: "this.#buffer.clear();\n    if (result === 'reset')",
    replace: "if (result === 'reset')",
  }),
];
