/** @file The kill switch asks first, and then pauses and disarms. */
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { startDemo } from './lib/demo.mjs';
import { launch, open, until } from './lib/browser.mjs';

let demo;
let browser;
before(async () => {
  demo = await startDemo();
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

test('the kill switch asks for a word; then the book is paused and the rules are disarmed', async () => {
  const shown = await open(browser, demo, { view: 'overview' });
  const { page } = shown;
  const state = async () => (await demo.get('/v1/overview')).data;
  const before = await state();
  assert.equal(before.is_armed, true);
  assert.notEqual(before.state, 'paused');

  await page.locator('button.kill').click();
  await page.waitForSelector('dialog[open]');
  assert.equal(await page.locator('dialog button[type=submit]').isDisabled(), true, 'nothing without the word');
  await page.keyboard.type('kill');
  await shown.press('Enter');
  assert.equal(await page.locator('dialog button[type=submit]').isDisabled(), true, 'the word in capitals');
  await shown.press('Escape');
  await page.waitForSelector('dialog[open]', { state: 'detached' });
  assert.equal((await state()).is_armed, true, 'cancelled: as before');

  await page.locator('button.kill').click();
  await page.waitForSelector('dialog[open]');
  await page.keyboard.type('KILL');
  await shown.press('Enter');
  await page.waitForSelector('dialog[open]', { state: 'detached' });
  const after = await until('paused and disarmed', async () => { const now = await state(); return now.state === 'paused' && now; });
  assert.equal(after.is_armed, false);
  await page.locator('.head button.item', { hasText: 'paused' }).waitFor();
  await page.locator('.head button.item', { hasText: 'disarmed' }).waitFor();
  assert.deepEqual(shown.errors, []);
});
