/** @file The server goes away and another one comes: the page says so, then follows the new one without a reload. */
import { test, after } from 'node:test';
import assert from 'node:assert/strict';
import { startDemo, freePort } from './lib/demo.mjs';
import { launch, open, settled, until } from './lib/browser.mjs';

let demo;
let browser;
after(async () => {
  await browser?.close();
  await demo?.stop();
});

test('disconnected, and then the new session, without a reload', async () => {
  const port = await freePort();
  demo = await startDemo({ port });
  browser = await launch();
  const { page, press, errors } = await open(browser, demo, { view: 'overview' });
  await page.evaluate(() => { window.isSamePage = true; });
  const record = async () => Number((await page.locator('.head .record').textContent()).slice(1));
  await until('records go on', async () => (await record()) > 150);
  const last = await record();

  await demo.stop();
  demo = null;
  await page.locator('.troubles', { hasText: 'no connection to the server' }).waitFor();
  assert.equal(await page.locator('.clock .state.offline').count(), 1);
  assert.equal(await page.locator('.frame.offline').count(), 1);

  // Slow, so that its records are still fewer than those of the first when the page comes back.
  demo = await startDemo({ port, speed: 2 });
  await page.locator('.troubles', { hasText: 'no connection' }).waitFor({ state: 'detached', timeout: 30000 });
  await page.locator('.clock .state.live').waitFor();
  // A new journal begins at its first record.
  const first = await until('the new journal', async () => { const now = await record(); return now < last && now; });
  await until('it is followed', async () => (await record()) > first);
  assert.equal(await page.evaluate(() => window.isSamePage), true, 'no reload');
  await press('3');
  await settled(page, 'positions');
  assert.ok(await page.locator('#main tr[data-row]').count() > 5);
  const trouble = errors.filter((text) => !/ERR_CONNECTION_REFUSED|WebSocket|401|ERR_CONNECTION_RESET|ERR_EMPTY_RESPONSE/.test(text));
  assert.deepEqual(trouble, []);
});
