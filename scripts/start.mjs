// `npm start`: installs, builds, and serves the chat example.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { installDependencies, run } from './run.mjs';

const { values } = parseArgs({ options: { port: { type: 'string' } } });
const port = values.port ?? process.env.PORT ?? '3000';

installDependencies();
process.stdout.write('Building …\n');
run('npm', ['run', '--silent', 'build']);
run('npm', ['run', '--silent', 'build', '--workspace', 'examples/chat']);

const gatecast = spawn(
  process.execPath,
  [
    'packages/local/bin/gatecast.js',
    'dev',
    'examples/chat/server/app.ts',
    '--static',
    'examples/chat/dist/web',
    '--port',
    port,
  ],
  { cwd: fileURLToPath(new URL('..', import.meta.url)), stdio: 'inherit' },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => gatecast.kill(signal));
gatecast.on('exit', (code) => process.exit(code ?? 0));
