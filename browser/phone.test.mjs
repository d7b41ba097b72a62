/** @file On a phone the overview is read without scrolling sideways. */
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { startDemo, eagerPolicy } from './lib/demo.mjs';
import { launch, open, PHONE } from './lib/browser.mjs';

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

for (const scheme of ['dark', 'light']) {
  test(`overview at ${PHONE.width} × ${PHONE.height}, ${scheme}`, async () => {
    const shown = await open(browser, demo, { viewport: PHONE, scheme, view: 'overview' });
    const wide = await shown.page.evaluate(() => {
      const width = document.documentElement.clientWidth;
      const wider = [...document.querySelectorAll('body *')].filter((one) => {
        const box = one.getBoundingClientRect();
        return box.width > 0 && (box.right > width + 1 || box.left < -1) && !one.closest('.sr, .skip') && getComputedStyle(one).visibility !== 'hidden';
      });
      const scrolls = [...document.querySelectorAll('#main *')].filter((one) => one.scrollWidth > one.clientWidth + 1 && /auto|scroll/.test(getComputedStyle(one).overflowX));
      return { page: document.documentElement.scrollWidth - width, wider: wider.slice(0, 5).map((one) => one.outerHTML.slice(0, 120)), scrolls: scrolls.map((one) => `${one.className} ${one.scrollWidth} > ${one.clientWidth}`) };
    });
    assert.deepEqual(wide, { page: 0, wider: [], scrolls: [] });
    await shown.close();
  });
}
