// Runs the commands of a guide in its folder.
import { spawn } from 'node:child_process';
import { EventEmitter, once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';

/** Commands that serve until they are ended. They are ready when they have printed this. */
const SERVES =
  /^(?:\w+=\S+ )*(?:npx )?(gatecast dev|npm start|npm run (?:dev|start)|redis-server)\b/;
const READY = /\b(?:https?|wss?):\/\/(?:localhost|127\.0\.0\.1):\d+|Ready to accept connections/;
/** How long a command may take, a server to get ready, and its expected output to come. */
const LONGEST_MS = { command: 600_000, start: 120_000, output: 30_000, end: 10_000 };

/** What a guide runs. The state of its shell, such as the folder and variables, is kept from line to line. */
export class Commands {
  #options;
  #servers = new Map();
  #running = new Set();
  #isClosed = false;
  /** The commands since {@link begin}; a server goes on printing. */
  #printed = [];
  /** How much each server had printed at {@link begin}. */
  #before = new Map();

  /** @param options - `folder`, `state` (a file for the state of the shell) and `environment` */
  constructor(options) {
    this.#options = options;
  }

  /** Begins a new block. */
  begin() {
    this.#printed = [];
    const servers = [...this.#servers.values()];
    this.#before = new Map(servers.map((server) => [server, server.output.length]));
  }

  /** The output of the commands of the block, and what servers have printed meanwhile. */
  get output() {
    const meanwhile = [...this.#before].map(([{ output }, length]) => output.slice(length));
    const texts = [...this.#printed.map(({ output }) => output), ...meanwhile];
    return texts.map(stripVTControlCharacters).join('');
  }

  /** Runs a command; one that serves in the background, in the place of a former one of its kind. */
  async run(text) {
    const [, kind] = SERVES.exec(text) ?? [];
    if (kind !== undefined) await this.#end(kind);
    const running = this.#start(kind === undefined ? text : text.replace(/ &$/, ''));
    if (kind === undefined) {
      if (!(await within(LONGEST_MS.command, running.ended))) {
        throw new Error('has not ended in time');
      }
      if (running.child.exitCode !== 0) throw new Error(`ended with ${ending(running)}`);
      return;
    }
    this.#servers.set(kind, running);
    const ready = this.#until(() => READY.test(running.output), running, LONGEST_MS.start);
    if (!(await ready)) throw new Error('printed no address');
    if (running.hasEnded) throw new Error(`ended with ${ending(running)}`);
  }

  /** Waits until the output passes a check; without a server it cannot change any more. */
  async printed(check) {
    const all = [...this.#printed, ...this.#before.keys()];
    const servers = all.filter((running) => !running.hasEnded);
    for (const running of servers) {
      if (await this.#until(() => check(this.output), running, LONGEST_MS.output)) return true;
    }
    return check(this.output);
  }

  /** Ends everything that was started, also a command that has not ended by itself. */
  async close() {
    this.#isClosed = true;
    await Promise.all([...this.#running].map(end));
  }

  /** What a server has printed, for the report of a failure. */
  get serverOutput() {
    const servers = [...this.#servers].filter(([, running]) => !this.#printed.includes(running));
    return servers.map(([kind, { output }]) => `\n${kind} printed:\n${output}`).join('');
  }

  #start(text) {
    if (this.#isClosed) throw new Error('was not begun');
    const { folder, state, environment } = this.#options;
    const keep = `{ export -p; printf 'cd %q\\n' "$PWD"; } > "$GUIDE_STATE"`;
    const script = `. "$GUIDE_STATE"\n${text}\ncode=$?\n${keep}\nexit $code`;
    // A process group of its own, so that what it starts can be ended with it.
    const child = spawn('bash', ['-c', script], {
      cwd: folder,
      env: { ...environment, GUIDE_STATE: state },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    });
    const running = { child, output: '', hasEnded: false, changes: new EventEmitter() };
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (data) => {
        running.output += data;
        running.changes.emit('change');
      });
    }
    running.ended = once(child, 'close').then(() => {
      running.hasEnded = true;
      this.#running.delete(running);
      running.changes.emit('change');
    });
    this.#printed.push(running);
    this.#running.add(running);
    return running;
  }

  /** Waits until a condition holds that can change with a server's output or its end. */
  async #until(condition, running, longestMs) {
    const signal = AbortSignal.timeout(longestMs);
    while (!condition() && !running.hasEnded && !signal.aborted) {
      await once(running.changes, 'change', { signal }).catch(() => {});
    }
    return condition();
  }

  async #end(kind) {
    const running = this.#servers.get(kind);
    this.#servers.delete(kind);
    if (running) await end(running);
  }
}

function ending({ child }) {
  return child.exitCode ?? child.signalCode;
}

async function end({ child, ended }) {
  signal(child, 'SIGTERM');
  await within(LONGEST_MS.end, ended);
  // Also what has left its output to nobody.
  signal(child, 'SIGKILL');
  await ended;
}

function signal(child, name) {
  try {
    process.kill(-child.pid, name);
  } catch (error) {
    // All processes of the group have ended.
    if (error.code !== 'ESRCH') throw error;
  }
}

async function within(ms, promise) {
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(resolve, ms, false);
  });
  const result = await Promise.race([promise.then(() => true), late]);
  clearTimeout(timer);
  return result;
}
