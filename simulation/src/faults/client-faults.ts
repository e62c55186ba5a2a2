import { type PlantedFault, plant } from './planted-fault.js';

const CLIENT = 'packages/client/src';
const READER = `${CLIENT}/log-reader.ts`;

/** Faults in the client of Gatecast. */
export const clientFaults: readonly PlantedFault[] = [
  plant('client drops the next event, too', {
    file: READER,
    find: `    } else if (position.offset === next) {
      this.#take(position, event);`,
    replace: `    } else if (position.offset === next) {
      this.#last = position;`,
  }),
  plant('client delivers out of order', {
    file: READER,
    find: `    if (position.offset > next) {
      this.#keep(position, event);`,
    replace: `    if (position.offset > next) {
      this.#take(position, event);
      return;`,
  }),
  plant('client delivers twice', {
    file: READER,
    find: '} else if (position.offset === next) {',
    replace: '} else if (position.offset === next || position.offset === next - 1) {',
  }),
  plant('client does not tell of a reset', {
    file: READER,
    find: "if (result === 'reset' && !isResumed) this.#host",
    replace: "if (result === 'reset' && !isResumed && !reason) this.#host",
  }),
  plant('client comes back without its position', {
    file: `${CLIENT}/subscription.ts`,
    find: 'const position = this.#reader?.position;',
    replace: 'const position = this.#latest ? undefined : this.#reader?.position;',
  }),
  plant('client never asks for the end', {
    file: READER,
    find: "if (result === 'behind') this.#fillAll();",
    replace: "if (result === 'behind') this.#endGap();",
  }),
  plant('client skips what is missing', {
    file: READER,
    find: 'Math.random() / 2), () => this.#fill());',
    replace: `Math.random() / 2), () => {
      const [early] = this.#early.values();
      this.#last = parsePosition(early?.['position']) ?? this.#last;
      this.#takeEarly(this.#last?.offset ?? 0);
    });`,
  }),
  plant('client never fills a gap', {
    file: READER,
    find: 'Math.random() / 2), () => this.#fill());',
    replace: 'Math.random() / 2), () => this.#endGap());',
  }),
  plant('client hands over what comes before the answer', {
    file: READER,
    find: '    else if (!this.#isLive) this.#keep(position, event);',
    replace: '    else if (!this.#isLive) this.#host.take(event, formatPosition(position));',
  }),
  plant('client does not store its position', {
    file: `${CLIENT}/subscription.ts`,
    find: '            positions.set(this.#channel, position);',
    replace: '            positions.set(`${this.#channel}/lost`, position);',
  }),
  plant('client stores a position only every other time', {
    file: `${CLIENT}/subscription.ts`,
    find: '            positions.set(this.#channel, position);',
    replace:
      "            if (Number(position?.split(':')[1]) % 2 === 0) positions.set(this.#channel, position);",
  }),
  plant('client sends again under another id', {
    file: `${CLIENT}/request-table.ts`,
    find: 'return attempts === 0 ? frame : `${frame.slice(0, -1)},',
    replace:
      'return attempts === 0 ? frame : `${frame.replace(\'"id":"\', `"id":"again${attempts}`).slice(0, -1)},',
  }),
];
