// `npm start`: installs, builds, and serves the chat example, on an embedded DynamoDB or on Redis:
// npm start -- --store redis --redis-url redis://localhost:6379
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { installDependencies, optionsOf, run } from './run.mjs';

const USAGE = `Usage: npm start -- [--port PORT] [--store dynamodb|redis] [--redis-url URL] [--ephemeral]
Installs, builds, and serves the chat example, by default at port 3000, on an embedded DynamoDB or on Redis.
--ephemeral keeps the data of DynamoDB in memory only.
`;
const values = optionsOf(USAGE, {
  port: { type: 'string' },
  ephemeral: { type: 'boolean', default: false },
  store: { type: 'string' },
  'redis-url': { type: 'string' },
});
const { 'redis-url': redisUrl, store = redisUrl === undefined ? 'dynamodb' : 'redis' } = values;
if (!['dynamodb', 'redis'].includes(store)) {
  process.stderr.write(`The option --store must be dynamodb or redis, not "${store}".\n`);
  process.exit(2);
}
const isOnRedis = store === 'redis';
const port = values.port ?? process.env.PORT ?? '3000';

installDependencies({ withCdk: false });
process.stdout.write('Building …\n');
run('npm', ['run', '--silent', 'build']);
run('npm', ['run', '--silent', 'build', '--workspace', '@gatecast/example-chat']);
process.stdout.write(
  'Page is the chat: open it twice. Inspect is the page of the gateway, with all that passes through it.\n\n',
);

const gatecast = spawn(
  process.execPath,
  [
    'packages/local/bin/gatecast.js',
    'dev',
    isOnRedis ? 'examples/chat/server/app-on-redis.ts' : 'examples/chat/server/app.ts',
    '--static',
    'examples/chat/dist/web',
    '--port',
    port,
    ...(values.ephemeral ? ['--ephemeral'] : []),
  ],
  {
    cwd: fileURLToPath(new URL('..', import.meta.url)),
    stdio: 'inherit',
    env: {
      // The gateway prints a line for each event; logger() need not print another one.
      GATECAST_LOG_LEVEL: 'warn',
      GATECAST_REDIS_URL: 'redis://localhost:6379',
      ...process.env,
      ...(redisUrl !== undefined && { GATECAST_REDIS_URL: redisUrl }),
    },
  },
);
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => gatecast.kill(signal));
gatecast.on('exit', (code) => process.exit(code ?? 0));
