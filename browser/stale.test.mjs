/** @file A feed goes silent: what depends on it is grey and says so, nothing else is, and it passes. */
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { startDemo, changed } from './lib/demo.mjs';
import { launch, open, paused } from './lib/browser.mjs';
import { readPanel } from './lib/figures.mjs';

const SILENT_FROM = 80;
const SILENT_FOR = 200;
/** Both venues that quote SOL; BTC and ETH are quoted by others, too. */
const SILENT = ['okx', 'hyperliquid'].map((venue) => `[[incident]]\nkind = "silent"\nvenue = "${venue}"\nstart_seconds = ${SILENT_FROM}\nduration_seconds = ${SILENT_FOR}\n`);
let demo;
let browser;
before(async () => {
  // Enough opening positions that one of them is in SOL.
  const world = await changed('crates/paper/world.toml', [['opening_positions = 3', 'opening_positions = 6']], SILENT.join('\n'));
  demo = await startDemo({ world });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

const rowOf = (panel, name) => panel.tables[0].rows.find((row) => row.head.split(' ')[0] === name);
/** Colours of the first figure of the rows of these underlyings. */
const colours = (page, names) => page.evaluate((wanted) => wanted.map((name) => {
  const row = [...document.querySelectorAll('#main table tbody tr')].find((one) => one.cells[0].textContent.trim().startsWith(name));
  return getComputedStyle(row.querySelector('td .amount') ?? row.cells[1]).color;
}), names);

test('what depends on a silent feed is grey and says stale, the rest is not; afterwards all is normal', async () => {
  const shown = await open(browser, demo, { view: 'overview' });
  const { page } = shown;
  assert.equal(await page.locator('#main .stale').count(), 0, 'nothing is stale before');

  await page.locator('.troubles', { hasText: 'stale: SOL' }).waitFor({ timeout: 40000 });
  await page.locator('#main tr.stale').first().waitFor();
  await paused(page, async () => {
    const panel = await readPanel(page, 'By underlying');
    assert.match(rowOf(panel, 'SOL').head, /stale/);
    assert.equal(rowOf(panel, 'SOL').cells[2].isStale, true);
    assert.equal(rowOf(panel, 'BTC').cells[2].isStale, false);
    const [sol, btc] = await colours(page, ['SOL', 'BTC']);
    assert.notEqual(sol, btc, 'grey is another colour');
    assert.ok(await page.locator('#main .panel .tag.warn', { hasText: 'stale SOL' }).count() >= 2, 'panels say it');
  });
  await shown.show('positions');
  await paused(page, async () => {
    const rows = await page.locator('#main tr[data-row]').evaluateAll((all) => all.map((row) => ({ key: row.dataset.row, isStale: row.classList.contains('stale'), title: row.title })));
    const sol = rows.filter((row) => /SOL/.test(row.key.split('|')[3]));
    assert.ok(sol.length > 0, 'SOL is held');
    for (const row of sol) assert.match(row.title, /stale/, row.key);
    for (const row of rows.filter((one) => !sol.includes(one))) assert.equal(row.isStale, false, row.key);
  });
  await shown.show('ladder', 'underlying=SOL');
  await page.locator('#main .stale table.ladder').first().waitFor();
  assert.match(await page.locator('#main .stale .sr').first().textContent(), /stale/, 'for screen readers');
  await shown.show('ladder', 'underlying=BTC');
  assert.equal(await page.locator('#main .stale table.ladder').count(), 0, 'the ladder of BTC is fresh');

  await shown.show('overview');
  await page.waitForFunction(() => !document.querySelector('#main .stale'), null, { timeout: 60000 });
  assert.equal(await page.locator('.troubles', { hasText: 'stale' }).count(), 0);
  assert.deepEqual(shown.errors, []);
});
