// `node scripts/picture.mjs`: takes the README's picture, docs/images/chat-and-gateway.png: the chat with two
// users, and beside it the page of the local gateway that serves them. Needs Chromium, and everything built.
import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { chromium } from 'playwright-core';

const root = fileURLToPath(new URL('..', import.meta.url));
const WIDTH = 720;
const HEIGHT = 600;

const gateway = spawn(
  process.execPath,
  [
    'packages/local/bin/gatecast.js',
    'dev',
    'examples/chat/server/app.ts',
    '--static',
    'examples/chat/dist/web',
    '--port',
    '0',
    '--ephemeral',
  ],
  {
    cwd: root,
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { ...process.env, GATECAST_LOG_LEVEL: 'warn' },
  },
);
const browser = await chromium.launch({
  executablePath: '/usr/bin/chromium',
  args: ['--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage'],
});
try {
  const url = await new Promise((resolve) => {
    let output = '';
    gateway.stdout.setEncoding('utf8').on('data', (text) => {
      output += text;
      const [, page] = /^Page +(\S+)$/m.exec(output) ?? [];
      if (page !== undefined) resolve(page);
    });
  });
  const open = async (address) => {
    const context = await browser.newContext({
      viewport: { width: WIDTH, height: HEIGHT },
      deviceScaleFactor: 2,
      colorScheme: 'light',
    });
    const page = await context.newPage();
    await page.goto(address);
    return page;
  };
  const join = async (name) => {
    const page = await open(url);
    await page.getByLabel('Your name').fill(name);
    await page.getByLabel('Room').fill('general');
    await page.getByRole('button', { name: 'Join room' }).click();
    await page.getByText('Connected').or(page.locator('#compose')).first().waitFor();
    return page;
  };
  const say = async (page, text) => {
    await page.getByPlaceholder('Message').fill(text);
    await page.getByPlaceholder('Message').press('Enter');
    for (const each of [ann, bob]) await each.getByText(text).waitFor();
  };
  const ann = await join('Ann');
  const bob = await join('Bob');
  const inspector = await open(new URL('@gatecast/', url).href);
  await say(ann, 'Does it run without an account?');
  await say(bob, 'Yes. This is API Gateway, Lambda and DynamoDB on my laptop.');
  await say(ann, 'And when my train enters a tunnel?');
  await say(bob, 'You get what you missed when you are out: in order, and each message once.');
  await bob.getByPlaceholder('Message').pressSequentially('Try it');
  await ann.getByText('Bob is typing').waitFor();
  const shots = [await ann.screenshot(), await inspector.screenshot()];

  const sheet = await open('about:blank');
  await sheet.setViewportSize({ width: 2 * WIDTH + 72, height: HEIGHT + 48 });
  const images = shots.map(
    (shot) => `<img src="data:image/png;base64,${shot.toString('base64')}">`,
  );
  await sheet.setContent(`<style>
    body { margin: 0; padding: 24px; display: flex; gap: 24px; background: #e8ebf0; }
    img { width: ${WIDTH}px; height: ${HEIGHT}px; border-radius: 12px; box-shadow: 0 2px 12px #0003; }
  </style>${images.join('')}`);
  mkdirSync(new URL('../docs/images', import.meta.url), { recursive: true });
  await sheet.screenshot({
    path: fileURLToPath(new URL('../docs/images/chat-and-gateway.png', import.meta.url)),
  });
} finally {
  await browser.close();
  gateway.kill('SIGTERM');
}
