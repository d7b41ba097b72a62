/** @file A what-if changes what is shown here, and nothing else. */
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { startDemo } from './lib/demo.mjs';
import { launch, open, paused } from './lib/browser.mjs';
import { readPanel, sameFigure } from './lib/figures.mjs';

/** The market of the first minutes is calm: it moves by far less than this in the seconds of the test. */
const CALM = 0.01;
let demo;
let browser;
before(async () => {
  demo = await startDemo({ speed: 2 });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

const spotOf = async (shown) => {
  const panel = await readPanel(shown.page, 'By underlying');
  return Number(panel.tables[0].rows.find((row) => row.head.startsWith('BTC')).cells[1].text.replaceAll(/\s/g, ''));
};
const near = (a, b) => Math.abs(a / b - 1) < CALM;

test('bumps by keyboard: amber frame, other figures here, live ones everywhere else; Esc clears', async () => {
  const here = await open(browser, demo, { view: 'overview' });
  const there = await open(browser, demo, { view: 'overview' });
  const live = await spotOf(here);
  const state = () => demo.get('/v1/session').then(({ last_record: record }) => record);
  const before = await state();

  await here.press('b');
  await here.page.waitForSelector('.bumps input:focus');
  await here.page.keyboard.type('-10');
  await here.press('Tab');
  await here.page.keyboard.type('5');
  await here.press('Enter');
  await here.page.waitForSelector('.frame.whatif');
  await here.page.waitForFunction(() => document.querySelectorAll('#main .panel .tag.whatif').length > 3 && !document.querySelector('#main .panel.loading'));
  const amber = await here.page.evaluate(() => {
    const token = getComputedStyle(document.documentElement).getPropertyValue('--whatif').trim();
    const probe = document.body.appendChild(Object.assign(document.createElement('i'), { style: `color: ${token}` }));
    const wanted = getComputedStyle(probe).color;
    probe.remove();
    const styles = [...document.querySelectorAll('.frame.whatif, .frame.whatif #main, .panel.whatif')].map((one) => getComputedStyle(one));
    return styles.some((style) => [style.borderTopColor, style.outlineColor, style.boxShadow].some((each) => each.includes(wanted)));
  });
  assert.ok(amber, 'a frame in the colour of what-if');
  assert.match(await here.page.locator('.whatif-word').textContent(), /WHAT-IF: spot −10 %, vol \+5 points/);
  const bumped = await spotOf(here);
  assert.ok(near(bumped, live * 0.9), `spot ${bumped} on a market of ${live} bumped by -10 %`);

  // The other page and the API go on with the market as it is.
  const elsewhere = await paused(there.page, () => readPanel(there.page, 'By underlying'));
  assert.equal(await there.page.locator('.frame.whatif').count(), 0);
  assert.ok(near(await spotOf(there), live), `${await spotOf(there)} elsewhere, ${live} before`);
  const answer = await demo.get(`/v1/overview?at=${elsewhere.record}`);
  assert.equal(answer.bump, null);
  for (const one of answer.data.underlyings) {
    const row = elsewhere.tables[0].rows.find((each) => each.head.startsWith(one.underlying));
    sameFigure(row.cells[3], one.delta_cash_usd, `${one.underlying} delta on the other page, #${elsewhere.record}`);
  }
  const journal = await Promise.all(Array.from({ length: 20 }, async (_, index) => JSON.stringify(await demo.get(`/v1/records/${before + index + 1}`).catch(() => ''))));
  assert.ok(!journal.some((text) => /whatif|what-if|bump/.test(text)), 'nothing of it in the journal');

  // Typing ends with the first Esc, the what-if with the next.
  await here.press('Escape', 'Escape');
  await here.page.waitForSelector('.frame.whatif', { state: 'detached' });
  await here.page.waitForFunction(() => !document.querySelector('#main .tag.whatif, #main .panel.loading'));
  assert.ok(near(await spotOf(here), live), `${await spotOf(here)} after Esc, ${live} before`);
  assert.deepEqual([...here.errors, ...there.errors], []);
  await here.close();
  await there.close();
});

test('figures of a bumped view are the API’s for the same bump', async () => {
  const here = await open(browser, demo, { view: 'overview' });
  await here.press('b');
  await here.page.waitForSelector('.bumps input:focus');
  await here.page.keyboard.type('-10');
  await here.press('Enter');
  await here.page.waitForSelector('.frame.whatif');
  await here.page.waitForFunction(() => document.querySelectorAll('#main .panel .tag.whatif').length > 3 && !document.querySelector('#main .panel.loading'));
  const panel = await readPanel(here.page, 'By underlying');
  const { data } = await demo.get(`/v1/overview?at=${panel.record}&bump_spot_percent=-10`);
  for (const one of data.underlyings) {
    const row = panel.tables[0].rows.find((each) => each.head.startsWith(one.underlying));
    sameFigure(row.cells[3], one.delta_cash_usd, `${one.underlying} delta, spot -10 %, #${panel.record}`);
  }
  await here.close();
});
