/** @file As of: a moment of the journal, in all views, and back. */
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { startDemo } from './lib/demo.mjs';
import { launch, open, until } from './lib/browser.mjs';
import { readPanel, sameFigure } from './lib/figures.mjs';

/** Views of the book; the others are of the journal itself, or a form. */
const OF_THE_BOOK = ['overview', 'exposure', 'positions', 'margin', 'liquidation', 'ladder', 'curve', 'stress', 'surface', 'smile', 'funding', 'oracle', 'feeds', 'policy', 'profit', 'proposals', 'alerts'];
/** A line over time has no single record. */
const OVER_TIME = /nearer|Text/;
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

test('a moment chosen with the slider is what every view shows; the frame says REPLAY; and back to live', async () => {
  const shown = await open(browser, demo, { view: 'overview' });
  const { page } = shown;
  await until('some history', async () => (await demo.get('/v1/session')).last_record > 150);
  await page.locator('.tools button', { hasText: 'replay' }).click();
  const slider = page.locator('.replay-strip input[type=range]');
  await page.waitForFunction(() => Number(document.querySelector('.replay-strip input[type=range]')?.max) > 10);
  // By keyboard: to the end, then some steps back.
  await slider.focus();
  await shown.press('End', ...Array(8).fill('ArrowLeft'));
  await page.waitForSelector('.frame.replay');
  await page.waitForFunction(() => !document.querySelector('#main .panel.loading') && document.querySelector('.clock .state.replay'));
  assert.equal(await page.locator('.replay-word').textContent(), 'REPLAY');
  const record = Number((await page.locator('.replay-strip .record').textContent()).slice(1));
  const { last_record: newest } = await demo.get('/v1/session');
  assert.ok(record > 0 && record < newest, `${record} of ${newest}`);

  for (const name of OF_THE_BOOK) {
    await shown.show(name).catch(async (error) => { throw new Error(`${name}: ${await page.locator('#main').innerText()}`, { cause: error }); });
    await page.waitForFunction(() => !document.querySelector('#main .panel.loading'));
    const records = await page.locator('#main .panel > header').evaluateAll((heads) => heads
      .map((head) => [head.querySelector('h2, h3')?.textContent ?? '', head.querySelector('.record')?.textContent ?? '']));
    for (const [title, own] of records.filter(([text]) => !OVER_TIME.test(text))) assert.equal(own, `#${record}`, `${name}: ${title}`);
    assert.equal(await page.locator('.frame.replay').count(), 1, name);
    assert.equal(await page.locator('#main .trouble[role=alert]').count(), 0, name);
  }
  await shown.show('overview');
  const panel = await readPanel(page, 'By underlying');
  const answer = await demo.get(`/v1/overview?at=${record}`);
  assert.equal(answer.is_live, false);
  for (const one of answer.data.underlyings) {
    sameFigure(panel.tables[0].rows.find((row) => row.head.startsWith(one.underlying)).cells[3], one.delta_cash_usd, `${one.underlying} at #${record}`);
  }

  await page.locator('.replay-strip button', { hasText: 'back to live' }).click();
  await page.waitForSelector('.frame.replay', { state: 'detached' });
  await page.locator('.clock .state.live').waitFor();
  await until('live records', async () => Number((await page.locator('.head .record').textContent()).slice(1)) >= newest);
  assert.deepEqual(shown.errors, []);
});
