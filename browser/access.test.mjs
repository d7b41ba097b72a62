/** @file axe-core over every view: nothing serious, in both themes and on a phone. */
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { startDemo, eagerPolicy } from './lib/demo.mjs';
import { launch, open, PHONE } from './lib/browser.mjs';
import { VIEWS } from './lib/views.mjs';

const AXE = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
let demo;
let browser;
before(async () => {
  demo = await startDemo({ policy: await eagerPolicy() });
  browser = await launch();
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** @returns {Promise<string[]>} what axe calls serious or critical */
async function findings(page, where) {
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ['violations'] }));
  const lesser = violations.filter((one) => !['serious', 'critical'].includes(one.impact));
  if (lesser.length) console.log(`  ${where}: ${lesser.map((one) => `${one.impact} ${one.id}`).join(', ')}`);
  return violations.filter((one) => !lesser.includes(one))
    .map((one) => `${where}: ${one.impact} ${one.id}: ${one.nodes.slice(0, 3).map((node) => `${node.target.join(' ')} (${node.failureSummary.split('\n')[1]?.trim()})`).join('; ')}`);
}

for (const scheme of ['dark', 'light']) {
  test(`every view, ${scheme}`, async () => {
    const shown = await open(browser, demo, { scheme, isLax: true });
    assert.equal(await shown.page.evaluate(() => document.documentElement.dataset.theme), scheme);
    await shown.page.evaluate(AXE);
    const found = [];
    for (const { name } of VIEWS) {
      await shown.show(name);
      await shown.page.waitForTimeout(150);
      found.push(...await findings(shown.page, `${name} ${scheme}`));
    }
    assert.deepEqual(found, []);
    await shown.close();
  });
}

test('overview on a phone', async () => {
  const shown = await open(browser, demo, { viewport: PHONE, isLax: true, view: 'overview' });
  await shown.page.evaluate(AXE);
  assert.deepEqual(await findings(shown.page, 'overview on a phone'), []);
  await shown.close();
});

test('dialogs and help', async () => {
  const shown = await open(browser, demo, { isLax: true, view: 'proposals' });
  await shown.page.evaluate(AXE);
  const found = [];
  for (const keys of [['?'], ['Control+k'], ['a']]) {
    if (keys[0] === 'a') await shown.page.waitForSelector('#main .proposal', { timeout: 60000 });
    await shown.press(...keys);
    await shown.page.waitForSelector('dialog[open]').catch((error) => { throw new Error(`no dialog by ${keys}`, { cause: error }); });
    found.push(...await findings(shown.page, `dialog of ${keys}`));
    await shown.press('Escape');
    await shown.page.waitForSelector('dialog[open]', { state: 'detached' });
  }
  assert.deepEqual(found, []);
  await shown.close();
});
