/**
 * @file Reads figures off the screen, without the page's own formatting: what is shown is held against the exact text
 * of the API by the rule of the display (three significant digits, k and m, the full figure on hover).
 */
import assert from 'node:assert/strict';

const SIZES = { '': 1, k: 1e3, m: 1e6, bn: 1e9, tn: 1e12 };
/** Below one a matrix has three decimals. */
const LEAST_STEP = 0.001;
const bare = (text) => text.replaceAll('\u2212', '-').replaceAll(/[\u2009,]/g, '').trim();

/** @param {string} text decimal @returns {string} without zeros that say nothing, without a sign of zero */
export function canonical(text) {
  const match = /^(-?)0*(\d*)(?:\.(\d*?)0*)?$/.exec(String(text));
  if (!match) return `no decimal: ${text}`;
  const [, sign, whole, fraction = ''] = match;
  const digits = `${whole || '0'}${fraction && `.${fraction}`}`;
  return digits === '0' ? '0' : sign + digits;
}

/** The full figure on hover is the API's, digit for digit. */
export function sameFull(title, exact, where) {
  assert.equal(canonical(bare(title).split(' ')[0]), canonical(exact), `${where}: on hover “${title}”, API ${exact}`);
}

/** The short figure is the exact one, rounded to three significant digits (or thousandths below one). */
export function sameShort(text, exact, where) {
  const shown = bare(text);
  const value = Number(exact);
  const said = `${where}: shown “${text}”, API ${exact}`;
  if (shown === '·') return assert.equal(value, 0, said);
  const match = /^(-?)(\d+)(?:\.(\d+))?(k|m|bn|tn)?$/.exec(shown);
  assert.ok(match, `${where}: “${text}” is no figure`);
  const size = SIZES[match[4] ?? ''];
  const step = Math.max(10 ** -(match[3]?.length ?? 0) * size, LEAST_STEP);
  const digits = (match[2] + (match[3] ?? '')).replace(/^0+/, '').length;
  assert.ok(digits <= 3 || Number.isInteger(value), `${said}: more than three digits`);
  const isWhole = Number(match[1] + match[2] + (match[3] ? `.${match[3]}` : '')) * size === value;
  assert.ok(digits >= 3 || isWhole || Math.abs(value) < 1, `${said}: fewer than three digits`);
  // Half a step, and a millionth of it for the halves that binary numbers do not hit.
  return assert.ok(Math.abs(Number(match[1] + match[2] + (match[3] ? `.${match[3]}` : '')) * size - value) <= step * 0.500001, said);
}

/**
 * @param {{text: string, title: string|null}|null} shown @param {string|null} exact null: the screen says n/a and why
 */
export function sameFigure(shown, exact, where) {
  assert.ok(shown, `${where}: nothing on screen`);
  if (exact === null || exact === undefined) return assert.match(shown.text, /^n\/a/, where);
  sameShort(shown.text, exact, where);
  return sameFull(shown.title ?? '', exact, where);
}

/** @param {string} text 12.3 % @param {number} share 0.123 @param {number} decimals as shown */
export function samePercent(text, share, decimals, where) {
  const shown = Number(bare(text).replace(/\s*%$/, ''));
  assert.ok(Math.abs(shown - Number(share) * 100) <= 0.500001 * 10 ** -decimals, `${where}: shown “${text}”, API ${share}`);
}

/** Exact sum of decimal texts. @param {string[]} texts */
export function sumOf(texts) {
  const PLACES = 30;
  const scaled = (text) => {
    const [whole, fraction = ''] = text.replace(/^[-+]/, '').split('.');
    const size = BigInt(whole + fraction.padEnd(PLACES, '0'));
    return text.startsWith('-') ? -size : size;
  };
  const total = texts.reduce((sum, text) => sum + scaled(text), 0n);
  const digits = (total < 0n ? -total : total).toString().padStart(PLACES + 1, '0');
  return canonical(`${total < 0n ? '-' : ''}${digits.slice(0, -PLACES)}.${digits.slice(-PLACES)}`);
}

/**
 * The panel of that title with its record and its tables: every cell as {text, title}, by row head and column head.
 * Runs in the page.
 */
export function readPanel(page, title) {
  return page.evaluate((wanted) => {
    const clean = (text) => text.replace(/\s+/g, ' ').trim();
    const seen = (element) => {
      const copy = element.cloneNode(true);
      for (const hidden of copy.querySelectorAll('.sr, .unit, .price, [aria-hidden=true]')) hidden.remove();
      return clean(copy.textContent);
    };
    const panel = [...document.querySelectorAll('#main .panel')].find((one) => clean(one.querySelector('header h2')?.textContent ?? '').startsWith(wanted));
    if (!panel) return null;
    const figure = (cell) => {
      const amount = cell.querySelector('.amount, .na');
      return { text: seen(amount ?? cell), title: (amount ?? cell).getAttribute('title') ?? cell.getAttribute('title'), isStale: Boolean(cell.closest('.stale')) };
    };
    const tables = [...panel.querySelectorAll('table')].map((table) => {
      const heads = [...table.tHead.rows[0].cells].map(seen);
      return {
        heads,
        units: [...table.tHead.rows[0].cells].map((cell) => clean(cell.querySelector('.unit')?.textContent ?? '')),
        rows: [...table.tBodies[0].rows, ...(table.tFoot?.rows ?? [])].map((row) => ({
          key: row.dataset.row ?? null, head: seen(row.cells[0]), cells: [...row.cells].map(figure),
        })),
      };
    });
    return {
      record: Number(panel.querySelector('header .record')?.textContent.replace('#', '')),
      unit: clean(panel.querySelector('header .unit')?.textContent ?? ''), tables,
    };
  }, title);
}
