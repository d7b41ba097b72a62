/** @file A proposal is answered by keyboard alone, and the paper venue does what was approved. */
import { test, before, after } from 'node:test';
import assert from 'node:assert/strict';
import { startDemo, eagerPolicy } from './lib/demo.mjs';
import { launch, open, settled, until } from './lib/browser.mjs';

let demo;
let browser;
let shown;
before(async () => {
  // Slowly: the mark moves little between a proposal and its answer.
  demo = await startDemo({ policy: await eagerPolicy(), speed: 3 });
  browser = await launch();
  shown = await open(browser, demo);
});
after(async () => {
  await browser?.close();
  await demo?.stop();
});

/** Goes to the proposals by key, waits for one, moves to it by keys. @returns {Promise<object>} as the API has it */
async function goToProposal() {
  const { page, press } = shown;
  await press('9');
  await settled(page, 'proposals');
  await page.waitForSelector('#main .proposal', { timeout: 60000 });
  await press('j', 'k');
  const id = (await page.locator('#main .proposal[aria-current=true] a').first().textContent()).trim();
  const { data } = await demo.get('/v1/proposals');
  const proposal = data.open.find((one) => one.id === id);
  assert.ok(proposal, `${id} is on screen and not open: ${data.open.map((one) => one.id)}`);
  return proposal;
}

/** The record that the page names after an act. */
async function actedRecord(words) {
  const note = shown.page.locator('.notes .note.ok', { hasText: words });
  await note.waitFor().catch(async (error) => {
    throw new Error(`no word of “${words}”: ${await shown.page.locator('dialog').innerText()}`, { cause: error });
  });
  return Number(/record #(\d+)/.exec(await note.last().textContent())[1]);
}

/** Lines of the view of alerts that hold all words and are not older than the record. */
async function alertAfter(record, words) {
  await shown.press('g', 'a');
  await settled(shown.page, 'alerts');
  return until(`an alert with ${words}`, async () => (await shown.page.locator('#main tbody tr').evaluateAll((rows) => rows.map((row) => ({
    text: row.textContent.replace(/\s+/g, ' '), record: Number(row.querySelector('.record').textContent.slice(1)),
  })))).find((row) => row.record >= record && words.every((word) => row.text.includes(word))));
}

test('a wrong size is not sent', async () => {
  const { page, press } = shown;
  const proposal = await goToProposal();
  await press('a');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.type(proposal.quantity.replace('-', ''));
  await press('Enter');
  assert.equal(await page.locator('dialog button[type=submit]').isDisabled(), true);
  assert.equal(await page.locator('dialog[open]').count(), 1);
  await press('Escape');
  await page.waitForSelector('dialog[open]', { state: 'detached' });
  assert.ok((await demo.get('/v1/proposals')).data.open.some((one) => one.id === proposal.id), 'it is still open');
});

test('rejected by keyboard, with a reason', async () => {
  const { page, press } = shown;
  const proposal = await goToProposal();
  await press('x');
  await page.waitForSelector('dialog[open]');
  await page.keyboard.type('not before the close');
  await press('Enter');
  const record = await actedRecord(`rejected ${proposal.id}`);
  const journalled = JSON.stringify(await demo.get(`/v1/records/${record}`));
  assert.match(journalled, /\byou\b/, journalled);
  assert.match(journalled, /not before the close/, journalled);
  const { data } = await demo.get('/v1/proposals');
  assert.ok(!data.open.some((one) => one.id === proposal.id), 'it is open no more');
  assert.ok(!data.orders.some((one) => one.id === proposal.id), 'and no order came of it');
});

test('a page without a token may not answer', async () => {
  const stranger = await open(browser, { ...demo, url: demo.origin });
  await stranger.show('proposals');
  await stranger.page.waitForSelector('#main .proposal', { timeout: 60000 });
  await stranger.press('a');
  await stranger.page.waitForSelector('dialog[open]');
  assert.match(await stranger.page.locator('dialog').innerText(), /viewing only/);
  assert.equal(await stranger.page.locator('dialog button[type=submit]').last().isDisabled(), true);
  await stranger.close();
});

test('approved by keyboard, it reaches the paper venue: order, fill, and a record that names who it was', async () => {
  const { page, press } = shown;
  const proposal = await goToProposal();
  await press('a');
  await page.waitForSelector('dialog[open]');
  assert.match(await page.locator('dialog').innerText(), new RegExp(proposal.inputs.slice(0, 16)), 'the hash is shown');
  await page.keyboard.type(proposal.quantity);
  await press('Enter');
  // The mark has moved since it was made: its limit follows, and it goes.
  const record = await actedRecord(`approved ${proposal.id}`);
  await page.waitForSelector('dialog[open]', { state: 'detached' });

  const journalled = await demo.get(`/v1/records/${record}`);
  assert.doesNotMatch(JSON.stringify(journalled.outputs), /withdrawn/);
  assert.match(JSON.stringify(journalled), /\byou\b/, `record ${record} names who approved: ${JSON.stringify(journalled)}`);
  await page.evaluate((number) => { location.hash = `#/records/${number}`; }, record);
  await page.waitForFunction((number) => document.querySelector('#main h2')?.textContent === `Record ${number}`
    && /\byou\b/.test(document.querySelector('#main').innerText), record);

  const order = await alertAfter(record, ['order', 'okx', proposal.instrument]);
  const fill = await alertAfter(record, ['fill', 'okx', proposal.instrument]);
  console.log(`  approved at #${record}; #${order.record} ${order.text.slice(0, 90)}; #${fill.record} ${fill.text.slice(0, 90)}`);
  const { data } = await demo.get('/v1/proposals');
  assert.ok(!data.open.some((one) => one.id === proposal.id), 'it is open no more');
});

test('no error on the way', () => assert.deepEqual(shown.errors, []));
