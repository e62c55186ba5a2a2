import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { describeInChromium, openChromium, overflow, violations } from '../../../test/chromium.js';
import {
  type LocalGateway,
  type StartGatewayOptions,
  startGateway,
} from '../src/dev/start-gateway.js';
import { openConnection } from './open-connection.js';

const screenshots = fileURLToPath(new URL('./screenshots/', import.meta.url));

const rooms = fileURLToPath(new URL('./fixtures/rooms/app.ts', import.meta.url));
const subscribe = (id: string): string =>
  `{"action":"subscribe","id":"${id}","channels":[{"channel":"rooms/general"}]}`;

let browser: Browser;
let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'gatecast-page-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

const openGateway = (options: Partial<StartGatewayOptions> = {}): Promise<LocalGateway> =>
  startGateway({ quiet: true, entry: rooms, control: true, onReload() {}, ...options });

describeInChromium('the page of gatecast dev', { timeout: 60_000 }, () => {
  beforeAll(async () => {
    await mkdir(screenshots, { recursive: true });
    browser = await openChromium();
  });

  afterAll(() => browser.close());

  it('connects, sends a frame, and shows the answer and the event', async () => {
    await using gateway = await openGateway();
    const page = await openPage({ gateway });
    await page.getByText('Live', { exact: true }).waitFor();
    expect(await page.getByLabel('URL').inputValue()).toBe(gateway.url);
    await page.getByRole('button', { name: 'Connect' }).click();
    await page.getByRole('button', { name: 'Disconnect' }).waitFor();

    await page.getByLabel('Begin with a route').selectOption('subscribe');
    expect(await page.getByLabel('Frame', { exact: true }).inputValue()).toContain('"rooms/1"');
    await page.keyboard.press('Control+Enter');
    const log = page.getByRole('log');
    await log.getByText('"result": "live"').waitFor();
    await connections(page).getByText('rooms/1', { exact: true }).waitFor();

    const entry = page.locator('#entries details').filter({ hasText: 'subscribe' });
    await entry.locator('summary').focus();
    await page.keyboard.press('Enter');
    await entry.getByRole('heading', { name: 'Event for the function' }).waitFor();
    expect(await entry.innerText()).toContain('"eventType": "MESSAGE"');
    expect(await entry.innerText()).toContain('"result": "live"');

    await page.getByRole('button', { name: 'Disconnect' }).click();
    await log.getByText('closed with 1005').waitFor();
    await page.getByText('None yet. Connect above').waitFor();
  });

  it('posts to any connection and closes it', async () => {
    await using gateway = await openGateway();
    await using other = await openConnection(gateway.url);
    const page = await openPage({ gateway });
    await connections(page).getByText('Post a frame').click();
    await page.getByLabel('Frame for').fill('hello ✓');
    await page.getByRole('button', { name: 'Post' }).click();
    expect(await other.receive()).toBe('hello ✓');
    await page.locator('#entries').getByText('POST @connections').waitFor();
    await page.getByRole('button', { name: /^Close / }).click();
    expect(await other.closed).toBe(1000);
  });

  it('advances the clock, and refuses a text that is not a duration', async () => {
    await using gateway = await openGateway();
    const page = await openPage({ gateway });
    await page.getByRole('button', { name: '+ 10 min' }).click();
    await page.getByLabel('Advance by').fill('90s');
    await page.keyboard.press('Enter');
    await page.getByText('It is 11 min 30 s ahead.').waitFor();
    expect(gateway.clock.aheadMs).toBe(690_000);
    await page.getByLabel('Advance by').fill('soon');
    await page.keyboard.press('Enter');
    await page.getByText('"soon" is not a duration.').waitFor();
  });

  it('adds and clears faults, and kills environments', async () => {
    await using gateway = await openGateway();
    const page = await openPage({ gateway });
    await page.getByLabel('What goes wrong').selectOption('invocation: killed');
    await page.getByLabel('How often').fill('3');
    await page.getByLabel('Probability').fill('0.5');
    await page.getByLabel('After (ms)').fill('20');
    await page.getByRole('combobox', { name: 'Route', exact: true }).fill('rooms.post');
    await page.getByRole('button', { name: 'Add fault' }).click();
    await page.getByText('invocation: killed, 3 times, probability 0.5').waitFor();
    expect(gateway.faults.list).toEqual([
      {
        on: 'invocation',
        kind: 'killed',
        times: 3,
        probability: 0.5,
        delayMs: 20,
        routeKey: 'rooms.post',
      },
    ]);
    await page.getByRole('button', { name: 'Clear all' }).click();
    await page.getByText('There are no faults.').waitFor();
    await page.getByRole('button', { name: 'Kill environments' }).click();
    await page.getByText('Every environment was killed.').waitFor();
  });

  it('keeps working and shows the message of esbuild while a change cannot be built', async () => {
    const entry = join(directory, 'app.mjs');
    const write = async (text: string): Promise<void> => {
      await writeFile(`${entry}.new`, text);
      await rename(`${entry}.new`, entry);
    };
    await write('export const handler = async ({ body }) => ({ statusCode: 200, body });');
    const routes = [{ routeKey: '$default', twoWay: true }];
    await using gateway = await openGateway({ entry, routes, watch: true });
    const page = await openPage({ gateway });
    await page.getByRole('button', { name: 'Connect' }).click();
    await write('export const handler = async ({ body }) => ({ statusCode: 200, body: });');
    const alert = page.getByRole('alert');
    await alert.getByText('"app" was not reloaded; the last good version keeps running.').waitFor();
    expect(await alert.innerText()).toContain('[ERROR] Unexpected "}"');
    await page.getByLabel('Frame', { exact: true }).fill('still here');
    await page.keyboard.press('Control+Enter');
    await page.getByRole('log').getByText('still here').nth(1).waitFor();
    await shoot(page, 'failure');
    await write('export const handler = async () => ({ statusCode: 200 });');
    await alert.getByText('was not reloaded').waitFor({ state: 'detached' });
  });

  it('is at /@gatecast/ if there are files at /', async () => {
    await writeFile(join(directory, 'index.html'), '<title>chat</title>');
    await using gateway = await openGateway({ staticDirectory: directory });
    const page = await openPage({ gateway });
    expect(await page.title()).toBe('chat');
    await page.goto(`http://localhost:${gateway.port}/@gatecast/`);
    await page.getByText('Live', { exact: true }).waitFor();
  });

  it('never runs the input that it shows', async () => {
    await using gateway = await openGateway();
    await using other = await openConnection(gateway.url);
    const page = await openPage({ gateway });
    other.send('{"action":"<img src=x onerror=document.title=1>"}');
    const entry = page.locator('#entries details').filter({ hasText: '$default' });
    await entry.locator('summary').click();
    await entry.locator('pre').getByText('<img src=x').first().waitFor();
    expect(await page.locator('#entries img').count()).toBe(0);
    expect(await page.title()).toBe('Gatecast dev');
  });

  it('reconnects to a restarted gateway', async () => {
    await using first = await openGateway();
    const { port } = first;
    const page = await openPage({ gateway: first });
    await using before = await openConnection(first.url);
    before.send(subscribe('0'));
    await page.locator('#entries').getByText('subscribe').waitFor();
    await first.close();
    await page.getByText('The gateway does not answer.').waitFor();
    await using second = await openGateway({ port });
    await page.getByText('Live', { exact: true }).waitFor();
    await using other = await openConnection(second.url);
    other.send(subscribe('1'));
    await connections(page).getByText('rooms/general').waitFor();
    expect(await page.locator('#entries > li').count()).toBe(2);
  });

  it('shows what was refused, what nothing used and what each function needs', async () => {
    const stage = 'arn:aws:execute-api:us-east-1:123456789012:local00000/dev';
    const connections = (method: string) => `${stage}/${method}/@connections/*`;
    const Action = 'execute-api:ManageConnections';
    const table = 'arn:aws:dynamodb:us-east-1:123456789012:table/Chat';
    const Statement = [
      { Effect: 'Allow' as const, Action, Resource: [connections('POST'), connections('GET')] },
      { Effect: 'Allow' as const, Action: ['dynamodb:Query', 'dynamodb:Scan'], Resource: table },
      { Effect: 'Allow' as const, Action: 'logs:PutLogEvents', Resource: '*' },
    ];
    const entry = fileURLToPath(new URL('./fixtures/posts-with-sdk.mjs', import.meta.url));
    await using gateway = await startGateway({
      quiet: true,
      control: true,
      functions: {
        poster: { entry, permissions: { Statement } },
        idler: { entry, permissions: { Statement: Statement.slice(1) } },
        stranger: { entry, permissions: { Statement: Statement.slice(2) } },
      },
      routes: [
        { routeKey: '$default', function: 'poster' },
        { routeKey: 'refused', function: 'stranger', twoWay: true },
        { routeKey: 'idle', function: 'idler' },
      ],
    });
    await using connection = await openConnection(gateway.url);
    for (const width of [1280, 390]) {
      const page = await openPage({ gateway, width });
      const section = page.getByRole('region', { name: 'Permissions' });
      await section.waitFor();
      const nothing = section.getByText('Nothing was called yet.').filter({ visible: true });
      expect(await nothing.count()).toBe(width === 1280 ? 2 : 0);
      connection.send('hello');
      await connection.receive();
      const details = section.locator('details').filter({ hasText: 'poster' });
      await details.locator('summary').click();
      await details.getByText(connections('POST')).waitFor();
      connection.send('{"action":"refused"}');
      await connection.receive();
      const refused = section.locator('#refusals li');
      await refused.getByText(`Refused ${width === 1280 ? 'once' : '2 times'}`).waitFor();
      await refused
        .getByText(`"stranger" may not call ${Action} on ${connections('POST')}.`)
        .waitFor();
      await refused.getByText('"Effect": "Allow"').waitFor();
      expect(await details.getByText(connections('POST')).isVisible()).toBe(true);
      const unused = section.locator('#unused li');
      expect(await unused.allInnerTexts()).toEqual([
        `In Statement[0] of the permissions of "poster"\n\n${connections('GET')}`,
        expect.stringMatching(/^All of Statement\[1\] of the permissions of "poster"\n\n\{/),
        'All of the role "idler", which called nothing',
      ]);
      await section.getByText('whether they are used or not: logs:PutLogEvents').waitFor();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await shoot(page, `permissions-${width}-${colorScheme}`);
        expect(await violations(page)).toEqual([]);
        expect(await overflow(page)).toBe(0);
      }
      await page.close();
    }
  });

  it('leads past the events with the keyboard, however many there are', async () => {
    await using gateway = await openGateway();
    await using ann = await openConnection(gateway.url);
    const page = await openPage({ gateway });
    for (let index = 0; index < 20; index += 1) {
      ann.send('{"action":"ping"}');
      await ann.receive();
    }
    await page.locator('#entries li').nth(20).waitFor();
    const skip = page.getByRole('link', { name: 'Skip the events' });
    await page.keyboard.press('Tab');
    expect(await skip.evaluate((link) => link.matches(':focus'))).toBe(true);
    expect((await skip.boundingBox())?.height).toBeGreaterThan(10);
    expect(await violations(page)).toEqual([]);
    await page.keyboard.press('Enter');
    await page.keyboard.press('Tab');
    expect(await page.getByLabel('URL').evaluate((field) => field.matches(':focus'))).toBe(true);
    await page.close();
  });

  it('J3 tells refused from fine, is accessible and fits, light and dark, wide and narrow', async () => {
    await using gateway = await openGateway();
    await using ann = await openConnection(gateway.url);
    await using bob = await openConnection(gateway.url);
    for (const [index, other] of [ann, bob].entries()) {
      other.send(subscribe(String(index)));
      await other.receive();
    }
    ann.send('{"action":"rooms.post","id":"m1","channel":"rooms/general","data":"hello"}');
    await bob.receive();
    gateway.faults.add({ on: 'post', kind: 'throttled', probability: 0.1, times: 20 });
    gateway.clock.advance(60_000);
    ann.send(`{"action":"${'w'.repeat(300)}"}`);
    await ann.receive();
    await fetch(`http://localhost:${gateway.port}/prod`);
    for (const width of [1280, 390]) {
      const page = await openPage({ gateway, width });
      await page.getByText('Live', { exact: true }).waitFor();
      expect(await page.getByText('Permissions').isVisible()).toBe(false);
      await page.locator('#entries li').nth(7).waitFor();
      const [events, forms] = await Promise.all(
        ['#events', '#tools'].map((part) => page.locator(part).boundingBox()),
      );
      // On a phone before the forms, in a wide window beside them.
      expect(events?.y).toBeLessThanOrEqual(forms?.y ?? 0);
      const refused = page.locator('#entries .result.bad').filter({ hasText: 'refused' });
      expect(await refused.count()).toBe(2);
      await page.locator('#entries').getByText('ERR_ACTION_UNKNOWN').waitFor();
      await page.locator('#entries').getByText('403 GET /prod: the API is at /dev').waitFor();
      await shoot(page, `empty-${width}`);
      await page.getByRole('button', { name: 'Connect' }).click();
      await page.getByRole('button', { name: 'Disconnect' }).waitFor();
      await page.getByLabel('Frame', { exact: true }).fill(subscribe('own'));
      await page.getByRole('button', { name: 'Send' }).click();
      await page.getByRole('log').getByText('"result": "live"').waitFor();
      await page.locator('#entries summary').first().click();
      await page.locator('#connections summary').first().click();
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        await shoot(page, `${width}-${colorScheme}`);
        expect(await violations(page)).toEqual([]);
        expect(await overflow(page)).toBe(0);
      }
      await page.close();
    }
  });
});

const connections = (page: Page) => page.locator('#connections');

async function shoot(page: Page, name: string): Promise<void> {
  await page.evaluate('scrollTo(0, 0)');
  await page.screenshot({ path: `${screenshots}page-${name}.png`, fullPage: true });
}

interface PageOptions {
  readonly gateway: LocalGateway;
  /** @default 1280 */
  readonly width?: number;
}

async function openPage({ gateway, width = 1280 }: PageOptions): Promise<Page> {
  const context = await browser.newContext({ viewport: { width, height: 900 } });
  const page = await context.newPage();
  page.on('pageerror', (error) => {
    throw error;
  });
  await page.goto(`http://localhost:${gateway.port}/`);
  return page;
}
