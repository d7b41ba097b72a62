/** @file An order by hand, by keyboard alone: ticket, proposal with its effects, approval, order, and its end. */
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { startDemo } from './lib/demo.mjs';
import { launch, open, settled, until } from './lib/browser.mjs';

/** Far from the mark, so that the order stands until it is cancelled. */
const AWAY = 1.08;

let demo;
let browser;
let shown;
before(async () => {
  demo = await startDemo({ speed: 1 });
  browser = await launch();
  shown = await open(browser, demo);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** Opens the ticket and fills it, key by key. */
async function fill({ side = 'sell', size, limit = '' }) {
  const { page, press } = shown;
  await press('o');
  await page.waitForSelector('dialog[open] form.ticket');
  for (const [label, text] of [['instrument', 'ETH-USDT-SWAP'], ['account', 'desk'], ['venue', 'okx'], ['size', size], ['limit', limit]]) {
    await page.locator('dialog').getByLabel(label, { exact: true }).fill(text);
  }
  await page.locator('dialog').getByRole('radio', { name: side }).check();
  await page.locator('dialog').getByLabel('reason').fill('to be flat before the close');
}

test('what breaks a bound is refused in words, and the ticket stays', async () => {
  const { page } = shown;
  await settled(page, 'overview');
  await fill({ size: '100000' });
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog .trouble');
  assert.match(await page.locator('dialog .trouble').innerText(), /over the largest order/);
  await page.locator('dialog').getByLabel('size', { exact: true }).fill('0');
  await page.keyboard.press('Enter');
  await page.waitForFunction(() => /above zero/.test(document.querySelector('dialog .trouble')?.textContent ?? ''));
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog[open]', { state: 'detached' });
});

test('the place of a held instrument is filled in once it is typed whole, and follows another one', async () => {
  const { page, press } = shown;
  await press('o');
  await page.waitForSelector('dialog[open] form.ticket');
  const value = (label) => page.locator('dialog').getByLabel(label, { exact: true }).inputValue();
  const { data } = await demo.get('/v1/positions');
  const places = new Map();
  for (const row of data.rows.filter((one) => one.kind !== 'balance')) {
    places.set(row.instrument, [...(places.get(row.instrument) ?? []), row]);
  }
  const single = [...places.values()].filter((rows) => rows.length === 1).map(([row]) => row);
  const wanted = [single.find((row) => row.instrument.startsWith('BTC-')), single.find((row) => row.venue !== single[0].venue)];
  for (const row of wanted) {
    const field = page.locator('dialog').getByLabel('instrument', { exact: true });
    await field.fill('');
    await field.pressSequentially(row.instrument);
    await page.keyboard.press('Tab');
    await until(`the place of ${row.instrument}`, async () => (await value('venue')) === row.venue
      && (await value('account')) === row.account && (await value('chain')) === row.chain);
  }
  await page.locator('dialog').getByLabel('account', { exact: true }).fill('mine');
  await page.locator('dialog').getByLabel('instrument', { exact: true }).fill('NOTHING');
  await page.keyboard.press('Tab');
  assert.equal(await value('account'), 'mine', 'what a person has typed stays');
  await page.keyboard.press('Escape');
  await page.waitForSelector('dialog[open]', { state: 'detached' });
});

test('a ticket becomes a proposal with its effects, an order once approved, and is cancelled', async () => {
  const { page, press } = shown;
  const { data: funding } = await demo.get('/v1/funding');
  const mark = Number(funding.perpetuals?.find((one) => one.instrument === 'ETH-USDT-SWAP')?.mark_price ?? 0);
  const limit = mark > 0 ? String(Math.round(mark * AWAY)) : '99999';
  await fill({ size: '2', limit });
  await page.keyboard.press('Enter');
  await page.waitForSelector('dialog[open]', { state: 'detached' });
  await settled(page, 'proposals');
  const chosen = page.locator('#main .proposal[aria-current=true]');
  await chosen.filter({ hasText: 'by hand of' }).waitFor();
  const text = await chosen.innerText();
  assert.match(text, /sell 2 ETH-USDT-SWAP/);
  assert.match(text, /by hand of you \(to be flat before the close\)/);
  assert.match(text, /delta ETH/, 'what it does to the limit is there');
  const id = (await chosen.locator('a').first().textContent()).trim();

  await press('a');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.type('-2');
  await press('Enter');
  await page.waitForSelector('dialog[open]', { state: 'detached' });
  const row = page.locator('#main tbody tr', { hasText: id }).filter({ hasText: 'sell 2' });
  await row.waitFor();
  assert.match(await row.innerText(), /hand of you/);
  await row.getByRole('button', { name: 'cancel' }).click();
  await row.waitFor({ state: 'detached' });
  await until('the order is gone', async () => !(await demo.get('/v1/proposals')).data.orders.some((one) => one.id === id));
});

test('a page without a token may not ask', async () => {
  const stranger = await open(browser, { ...demo, url: demo.origin });
  await settled(stranger.page, 'overview');
  await stranger.press('o');
  await stranger.page.waitForSelector('dialog[open]');
  assert.match(await stranger.page.locator('dialog').innerText(), /viewing only/);
  assert.equal(await stranger.page.locator('dialog button', { hasText: 'propose' }).isDisabled(), true);
  await stranger.close();
});

test('no error on the way but the refusal that the browser reports', () => {
  assert.deepEqual(shown.errors, ['Failed to load resource: the server responded with a status of 409 (Conflict)']);
});
