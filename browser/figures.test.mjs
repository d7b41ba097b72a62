/** @file Figures on screen are those of the API for the same record: every one of a view, in all its units. */
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { startDemo } from './lib/demo.mjs';
import { launch, open, paused } from './lib/browser.mjs';
import { readPanel, sameFigure, samePercent, sumOf } from './lib/figures.mjs';

let demo;
let browser;
let shown;
before(async () => {
  demo = await startDemo();
  browser = await launch();
  shown = await open(browser, demo);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

const at = async (path, record) => (await demo.get(`${path}${path.includes('?') ? '&' : '?'}at=${record}`)).data;

test('headline figures', async () => {
  const { page } = shown;
  await shown.show('overview');
  const [record, figures] = await paused(page, async () => [
    (await readPanel(page, 'The line')).record,
    await page.locator('.figures .figure').evaluateAll((items) => items.map((item) => ({
      label: item.querySelector('.label').textContent, text: (item.querySelector('.amount, .na, .big')).textContent,
      title: item.querySelector('.amount')?.title ?? null, unit: item.querySelector('.unit').textContent,
    }))),
  ]);
  const { headline } = await at('/v1/overview', record);
  const expected = {
    equity: ['equity_usd', 'USD'], value: ['value_usd', 'USD'], 'cash delta': ['delta_cash_usd', 'USD per 100 %'],
    'gamma cash 1 %': ['gamma_cash_1pct_usd', 'USD per 1 %'], vega: ['vega_usd_per_point', 'USD per vol point'],
    theta: ['theta_usd_per_day', 'USD per calendar day'], 'initial margin': ['initial_margin_usd', 'USD'],
    maintenance: ['maintenance_margin_usd', 'USD'],
  };
  for (const [label, [key, unit]] of Object.entries(expected)) {
    const figure = figures.find((one) => one.label === label);
    sameFigure(figure, headline[key], `${label} at #${record}`);
    assert.equal(figure.unit, unit, label);
  }
  samePercent(figures.find((one) => one.label === 'maintenance use').text, headline.maintenance_use, 1, 'maintenance use');
});

test('figures by underlying', async () => {
  const { page } = shown;
  await shown.show('overview');
  const panel = await paused(page, () => readPanel(page, 'By underlying'));
  const { underlyings } = await at('/v1/overview', panel.record);
  const keys = ['value_usd', 'delta_cash_usd', 'gamma_cash_1pct_usd', 'vega_usd_per_point', 'theta_usd_per_day'];
  assert.equal(panel.tables[0].rows.length, underlyings.length);
  for (const one of underlyings) {
    const row = panel.tables[0].rows.find((each) => each.head.split(' ')[0] === one.underlying);
    keys.forEach((key, index) => sameFigure(row.cells[index + 2], one[key], `${one.underlying} ${key} at #${panel.record}`));
  }
});

/** Words on the buttons of the exposure view; keys of the API in USD and coin; the unit that has to stand there. */
const MEASURES = [
  ['value', 'value_usd', 'value_coin', 'USD'],
  ['cash delta', 'delta_cash_usd', 'delta_coin', 'USD per 100 %'],
  ['gamma cash 1 %', 'gamma_cash_1pct_usd', 'gamma_1pct_coin', 'USD per 1 %'],
  ['vega', 'vega_usd_per_point', 'vega_coin_per_point', 'USD per vol point'],
  ['30-day vega', 'vega_30d_usd_per_point', 'vega_30d_coin_per_point', 'USD per vol point'],
  ['theta', 'theta_usd_per_day', 'theta_coin_per_day', 'USD per calendar day'],
  ['settlement-adjusted delta', 'delta_settlement_usd', 'delta_settlement_coin', 'USD per 100 %'],
  ['charm', 'charm_usd_per_day', 'charm_coin_per_day', 'USD per calendar day'],
  ['vanna', 'vanna_usd_per_point_1pct', 'vanna_coin_per_point_1pct', 'USD per vol point per 1 %'],
  ['volga', 'volga_usd_per_point2', 'volga_coin_per_point2', 'USD per vol point²'],
  ['rho', 'rho_usd_per_bp', 'rho_coin_per_bp', 'USD per bp'],
];

const columnOf = (expiry, kind) => (/^\d/.test(expiry) ? expiry : kind === 'perpetual' ? 'perp' : 'spot');

function compareMatrix(panel, groups, figureOf, word) {
  const cells = new Map();
  for (const group of groups) {
    const place = `${group.key[0]}|${columnOf(group.key[1], group.key[2])}`;
    cells.set(place, [...cells.get(place) ?? [], figureOf(group)]);
  }
  const [table] = panel.tables;
  let compared = 0;
  for (const row of table?.rows.filter((one) => one.head !== 'all') ?? []) {
    const name = row.head.split(' ')[0];
    table.heads.forEach((head, index) => {
      const own = cells.get(`${name}|${head}`);
      if (!own) return;
      sameFigure(row.cells[index], sumOf(own), `${name} ${head} ${word}`);
      compared += 1;
    });
    const net = [...cells].filter(([place]) => place.startsWith(`${name}|`)).flatMap(([, own]) => own);
    sameFigure(row.cells[table.heads.indexOf('net')], sumOf(net), `${name} net ${word}`);
  }
  return compared;
}

for (const inCoin of [false, true]) {
  test(`exposure matrix, every measure in ${inCoin ? 'coin' : 'USD'}`, async () => {
    const { page } = shown;
    await shown.show('exposure');
    await page.locator('.choice[aria-label=in] button', { hasText: inCoin ? 'coin' : 'USD' }).click();
    let compared = 0;
    await paused(page, async () => {
      let answer = null;
      for (const [word, usd, coin, unit] of MEASURES) {
        await page.locator('.choice[aria-label=measure] button').getByText(word, { exact: true }).click();
        await page.waitForFunction((text) => document.querySelector('#main .panel header .unit').textContent.startsWith(`${text},`), word);
        const panel = await readPanel(page, 'Exposure');
        answer ??= await at('/v1/exposure?group_by=underlying,expiry,kind', panel.record);
        if (!inCoin) assert.equal(panel.unit, `${word}, ${unit}`);
        compared += compareMatrix(panel, answer.groups, (group) => (inCoin ? group.coins?.[coin] ?? '0' : group.usd[usd]), `${word} at #${panel.record}`);
      }
    });
    console.log(`  ${compared} cells compared`);
    assert.ok(compared > 60, `${compared} cells`);
    await page.locator('.choice[aria-label=in] button', { hasText: 'USD' }).click();
    await page.locator('.choice[aria-label=measure] button').getByText('cash delta', { exact: true }).click();
  });
}

test('what is behind the exposure, group by group', async () => {
  const { page } = shown;
  await shown.show('exposure');
  let compared = 0;
  for (const [label, columns] of [['expiry', 'underlying,expiry'], ['account', 'account,venue'], ['chain', 'chain'], ['kind', 'underlying,kind']]) {
    await page.locator('.choice[aria-label="group by"] button').getByText(label, { exact: true }).click();
    await page.waitForSelector(`#main table caption:has-text("by ${columns.replace(',', ' and ')}")`, { state: 'attached' });
    const panel = await paused(page, () => readPanel(page, 'Behind'));
    const [table] = panel.tables;
    const column = (word) => table.heads.findIndex((head) => head.replace(/ [↑↓]$/, '') === word);
    const { groups, total } = await at(`/v1/exposure?group_by=${columns}`, panel.record);
    assert.equal(table.rows.length, groups.length + 1, 'groups and their total');
    for (const group of [...groups, { ...total, key: ['total'] }]) {
      const row = table.rows.find((each) => group.key.every((part, index) => each.cells[index].text === part));
      assert.ok(row, `${group.key} is not on screen`);
      for (const [head, key] of [['value', 'value_usd'], ['Δ', 'delta_cash_usd'], ['Γ', 'gamma_cash_1pct_usd'], ['vega', 'vega_usd_per_point'], ['θ', 'theta_usd_per_day'], ['ρ', 'rho_usd_per_bp']]) {
        sameFigure(row.cells[column(head)], group.usd[key], `${group.key} ${head} at #${panel.record}`);
        compared += 1;
      }
    }
  }
  console.log(`  ${compared} cells compared`);
});

test('margin of every account', async () => {
  const { page } = shown;
  await shown.show('margin');
  const panel = await paused(page, () => readPanel(page, 'Margin by account'));
  const { accounts } = await at('/v1/margin', panel.record);
  const [table] = panel.tables;
  const column = (word) => table.heads.findIndex((head) => head.replace(/ [↑↓]$/, '') === word);
  assert.equal(table.rows.length, accounts.length);
  for (const one of accounts) {
    const name = `${one.account}@${one.venue}`;
    const row = table.rows.find((each) => each.head === name);
    assert.ok(row, `${name} is not on screen`);
    for (const [head, key] of [['equity', 'equity_usd'], ['counted', 'counted_usd'], ['initial margin', 'initial_margin_usd'], ['maint. margin', 'maintenance_margin_usd'], ['surplus', 'surplus_usd']]) {
      assert.ok(column(head) > 0, `no column ${head} in ${table.heads}`);
      sameFigure(row.cells[column(head)], one[key], `${name} ${head} at #${panel.record}`);
    }
    samePercent(row.cells[column('maint.')].text, one.maintenance_use, 1, name);
  }
});

for (const [days, key] of [[0, null], [7, ']']]) {
  test(`ladder, ${days} days on: P&L and every greek`, async () => {
    const { page } = shown;
    await shown.show('ladder');
    if (key) await shown.press(key, key);
    await shown.show('ladder');
    let compared = 0;
    for (const [press, measure, title] of [['d', 'delta_cash', 'cash delta'], ['g', 'gamma_cash_1pct', 'gamma cash'], ['v', 'vega', 'vega']]) {
      await shown.press(press);
      await page.waitForFunction((word) => [...document.querySelectorAll('#main .panel h2')].some((one) => one.textContent.includes(` ${word}`)), title);
      await shown.show('ladder');
      const panels = await paused(page, async () => Promise.all([readPanel(page, 'BTC P&L'), readPanel(page, `BTC ${title}`)]));
      for (const [panel, name] of [[panels[0], 'pnl'], [panels[1], measure]]) {
        const data = await at(`/v1/ladder?underlying=BTC&days=${days}&measure=${name}`, panel.record);
        const fromAbove = data.vol_points.map((vol, index) => ({ vol, index })).sort((a, b) => b.vol - a.vol);
        const [table] = panel.tables;
        assert.equal(table.rows.length, fromAbove.length);
        fromAbove.forEach(({ vol, index }, row) => data.spot_returns.forEach((spot, column) => {
          const cell = table.rows[row].cells[column + 1];
          sameFigure({ text: cell.text, title: cell.title }, data.cells[index][column], `${name} at spot ${spot}, vol ${vol}, #${panel.record}`);
          compared += 1;
        }));
        assert.equal(panel.unit, data.unit);
      }
    }
    console.log(`  ${compared} cells compared`);
    if (key) await shown.press('[', '[');
  });
}

test('positions', async () => {
  const { page } = shown;
  await shown.show('positions');
  const panel = await paused(page, () => readPanel(page, 'Positions'));
  const { rows } = await at('/v1/positions', panel.record);
  const keys = ['value_usd', 'delta_cash_usd', 'gamma_cash_1pct_usd', 'vega_usd_per_point', 'theta_usd_per_day'];
  assert.ok(rows.length > 10, `${rows.length} positions`);
  for (const one of rows) {
    const name = [one.account, one.venue, one.chain, one.instrument].join('|');
    const row = panel.tables[0].rows.find((each) => each.key === name);
    assert.ok(row, `${name} is not on screen`);
    sameFigure(row.cells[1], one.quantity, `${name} quantity`);
    const measures = row.cells.slice(-keys.length);
    keys.forEach((key, index) => sameFigure(measures[index], one.usd[key], `${name} ${key} at #${panel.record}`));
  }
  const all = panel.tables[0].rows.find((row) => row.head === 'all').cells.slice(-keys.length);
  keys.forEach((key, index) => sameFigure(all[index], sumOf(rows.map((row) => row.usd[key])), `all ${key}`));
});

/** A line over time has no single record. */
const OVER_TIME = /nearer/;

test('every panel says which record it is of', async () => {
  const { page } = shown;
  for (const name of ['overview', 'exposure', 'margin', 'liquidation', 'ladder', 'curve', 'stress', 'surface', 'smile', 'funding', 'oracle', 'feeds', 'profit']) {
    await shown.show(name);
    const without = await page.locator('#main .panel:not([aria-busy=true]) > header').evaluateAll((heads) => heads
      .filter((head) => !/^#\d+$/.test(head.querySelector('.record')?.textContent ?? '')).map((head) => head.textContent));
    assert.deepEqual(without.filter((head) => !OVER_TIME.test(head)), [], name);
  }
});
