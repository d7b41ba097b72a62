/** @file Every view opens by its key with the demo's data. */
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { startDemo, eagerPolicy } from './lib/demo.mjs';
import { launch, open, settled } from './lib/browser.mjs';
import { VIEWS } from './lib/views.mjs';

let demo;
let browser;
let shown;
before(async () => {
  demo = await startDemo({ policy: await eagerPolicy() });
  browser = await launch();
  shown = await open(browser, demo);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

test('the list of views is the page’s', async () => {
  const names = await shown.page.locator('nav.side .list a').evaluateAll((links) => links.map((link) => link.hash.slice(2)));
  assert.deepEqual(names.sort(), VIEWS.map((view) => view.name).sort());
});

for (const { name, title, keys } of VIEWS) {
  test(`${name} opens by ${keys.join(' ')}`, async () => {
    const { page } = shown;
    await shown.show(name === 'policy' ? 'feeds' : 'policy');
    await shown.press(...keys);
    await settled(page, name);
    assert.equal(await page.locator('main h1').textContent(), title);
    assert.ok(await page.locator('nav.side a[aria-current=page]').count(), 'the list says where one is');
    const text = await page.locator('main').innerText();
    assert.ok((await page.locator('main .panel h2').count()) > 0, 'a panel with a heading');
    assert.match(text.replaceAll(/#\d+|\d+ s\b/g, ''), /\d/, 'at least one figure');
    assert.doesNotMatch(text, /undefined|\bNaN\b|\[object|Infinity/);
    assert.equal(await page.locator('main .trouble[role=alert]').count(), 0, await page.locator('main').innerText());
    assert.deepEqual(shown.errors, []);
  });
}

test('a key pressed while a dialog closes opens the next one, and that stays', async () => {
  const { page } = shown;
  for (const moment of ['before the browser has told of the closing', 'while it does']) {
    await shown.press('Control+k');
    await page.waitForSelector('dialog[open] .palette');
    await page.evaluate((isBefore) => {
      const box = document.querySelector('dialog[open]');
      // The focus is still in the field of the dialog that has closed.
      const field = document.activeElement;
      const ask = () => field.dispatchEvent(new KeyboardEvent('keydown', { key: '?', bubbles: true, cancelable: true }));
      if (!isBefore) box.addEventListener('close', ask, { once: true, capture: true });
      box.close();
      if (isBefore) ask();
    }, moment.startsWith('before'));
    await page.waitForSelector('dialog[open] .help');
    await page.waitForTimeout(200);
    assert.equal(await page.locator('dialog[open] .help').count(), 1, moment);
    await shown.press('Escape');
    await page.waitForSelector('dialog[open]', { state: 'detached' });
  }
});

test('Ctrl-K in a dialog gives the palette the keys, and leaves a form that is being filled in', async () => {
  const { page } = shown;
  await shown.press('?', 'Control+k');
  await page.waitForSelector('dialog[open] .palette');
  await page.keyboard.type('delta');
  assert.equal(await page.locator('dialog .palette input').inputValue(), 'delta');
  await shown.press('Escape');
  await page.waitForSelector('dialog[open]', { state: 'detached' });
  await shown.press('o');
  await page.waitForSelector('dialog[open] form.ticket');
  await page.keyboard.type('BTC');
  await shown.press('Control+k');
  assert.equal(await page.locator('dialog[open] form.ticket').getByLabel('instrument', { exact: true }).inputValue(), 'BTC');
  await shown.press('Escape');
  await page.waitForSelector('dialog[open]', { state: 'detached' });
});
