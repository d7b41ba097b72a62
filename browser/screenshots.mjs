/** @file Writes docs/page-*.png: the page as it stands, on the demo's book a little after its crash. */
import { mkdir, stat } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { startDemo, eagerPolicy } from './lib/demo.mjs';
import { launch, open, until, PHONE } from './lib/browser.mjs';

const DOCS = fileURLToPath(new URL('../docs/', import.meta.url));
const MOST_BYTES = 300_000;
/** When the demo's crash has begun. */
const FROM = 'T12:06:00';

/** @type {[string, string, string, object][]} file, view, query, how it is opened */
const SHOTS = [
  ['overview-dark', 'overview', '', {}],
  ['overview-light', 'overview', '', { scheme: 'light' }],
  ['exposure', 'exposure', '', {}],
  ['ladder', 'ladder', 'underlying=BTC', {}],
  ['margin', 'margin', '', {}],
  ['proposals', 'proposals', '', {}],
  ['surface', 'surface', 'underlying=BTC', {}],
  ['overview-phone', 'overview', '', { viewport: PHONE }],
];

const demo = await startDemo({ speed: 20, policy: await eagerPolicy() });
const browser = await launch();
try {
  await until('the crash', async () => (await demo.get('/v1/overview')).asof.slice(10) > FROM, 120_000);
  await mkdir(DOCS, { recursive: true });
  for (const [name, view, query, options] of SHOTS) {
    if (view === 'proposals') await until('a proposal', async () => (await demo.get('/v1/proposals')).data.open.length, 60_000);
    const shown = await open(browser, demo, options);
    await shown.show(view, query);
    await shown.page.waitForTimeout(600);
    // What has just been announced covers figures for some seconds.
    await shown.page.waitForSelector('.notes .note', { state: 'detached', timeout: 8000 }).catch(() => {});
    const path = `${DOCS}page-${name}.png`;
    await shown.page.screenshot({ path });
    const { size } = await stat(path);
    console.log(`docs/page-${name}.png ${size} bytes`);
    if (size > MOST_BYTES) throw new Error(`${path} is larger than ${MOST_BYTES} bytes`);
    await shown.close();
  }
} finally {
  await browser.close();
  await demo.stop();
}
