/** @file One browser a file of tests, and pages that note what must not happen. */
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { chromium } from 'playwright-core';

const EXECUTABLE = process.env.CHROMIUM ?? '/usr/bin/chromium';
const LAPTOP = { width: 1366, height: 768 };
export const PHONE = { width: 390, height: 844 };
/** Generous: two busy cores. */
export const PATIENCE_MS = Number(process.env.PATIENCE_MS ?? 30000);

/** A folder whose files are taken in place of those inside the program: for work on the page without a build. */
const WEB = process.env.PLIMSOLL_WEB && resolve(process.env.INIT_CWD ?? '.', process.env.PLIMSOLL_WEB);
const KINDS = { html: 'text/html', js: 'text/javascript', mjs: 'text/javascript', css: 'text/css', svg: 'image/svg+xml' };

async function fromFolder(route) {
  const path = new URL(route.request().url()).pathname.replace(/\/$/, '/index.html');
  if (path.startsWith('/v1/')) return route.continue();
  const [answer, index] = [await route.fetch(), await readFile(join(WEB, path)).catch(() => null)];
  if (index === null) return route.fulfill({ response: answer });
  const headers = { ...answer.headers(), 'content-type': KINDS[path.split('.').at(-1)] };
  return route.fulfill({ status: 200, headers, body: index });
}

/** Root in a container has no sandbox to go into; the page under test is our own. */
export const launch = () => chromium.launch({ executablePath: EXECUTABLE, args: ['--no-sandbox', '--disable-dev-shm-usage'] });

/**
 * Opens the demo's address, as a person would, and waits for the first figures.
 * @param {import('playwright-core').Browser} browser
 * @param {{url: string, origin: string}} demo
 * @param {{view?: string, scheme?: 'dark'|'light', viewport?: object, isLax?: boolean}} [options] isLax: without the
 *   page's content security policy, for tools that have to be put into it
 */
export async function open(browser, demo, { view, scheme = 'dark', viewport = LAPTOP, isLax = false } = {}) {
  const context = await browser.newContext({ viewport, colorScheme: scheme, bypassCSP: isLax });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  if (WEB) {
    // What does not come over the wire has no address, and may not speak to this machine without leave.
    await context.grantPermissions(['local-network-access']);
    await page.route((url) => url.protocol === 'http:', fromFolder);
  }
  const errors = [];
  const foreign = [];
  const requests = [];
  page.on('console', (message) => { if (message.type() === 'error') errors.push(message.text()); });
  page.on('pageerror', (error) => errors.push(`${error.name}: ${error.message}`));
  page.on('requestfailed', (request) => errors.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on('websocket', (socket) => note(socket.url()));
  page.on('request', (request) => note(request.url()));
  function note(url) {
    requests.push(url);
    if (!/^(data|blob):/.test(url) && new URL(url).host !== new URL(demo.origin).host) foreign.push(url);
  }
  await page.goto(demo.url);
  await page.waitForSelector('.head .verdict');
  const shown = {
    page, errors, foreign, requests,
    close: () => context.close(),
    /** @param {...string} keys pressed one after the other */
    press: async (...keys) => { for (const key of keys) await page.keyboard.press(key); },
    /** @param {string} name @param {string} [query] such as underlying=ETH */
    show: async (name, query = '') => {
      await page.evaluate(routed, `#/${name}${query && `?${query}`}`);
      await settled(page, name);
    },
  };
  if (view) await shown.show(view);
  return shown;
}

/** In the page: goes there, and is done once that has been drawn; what was shown before is not taken for what was asked. */
function routed(hash) {
  return new Promise((done) => {
    const before = location.hash;
    const drawn = () => requestAnimationFrame(() => setTimeout(done));
    addEventListener('hashchange', drawn, { once: true });
    location.hash = hash;
    if (location.hash === before) {
      removeEventListener('hashchange', drawn);
      done();
    }
  });
}

/** Waits until the view is there with its figures: nothing is being read any more. */
export async function settled(page, name) {
  await page.waitForFunction((wanted) => document.querySelector('nav.side a[aria-current=page]')?.hash === `#/${wanted}`
    && document.querySelector('#main .panel, #main .figures') && !document.querySelector('#main .reading')
    && !document.querySelector('#main [aria-busy=true]'), name);
}

/** Stops the stream on screen; what is shown then stays. */
export async function paused(page, act) {
  await page.keyboard.press('.');
  await page.waitForSelector('.clock .state.paused');
  // What had arrived before is drawn with the next frames.
  await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done, 50))); }));
  try {
    return await act();
  } finally {
    await page.keyboard.press('.');
    await page.waitForSelector('.clock .state.paused', { state: 'detached' });
  }
}

/**
 * Asks again and again until the answer is true enough.
 * @template T
 * @param {string} what for the message
 * @param {() => Promise<T>} ask
 * @returns {Promise<T>}
 */
export async function until(what, ask, within = PATIENCE_MS) {
  const end = Date.now() + within;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`not within ${within} ms: ${what}`);
    await new Promise((done) => { setTimeout(done, 100); });
  }
}
