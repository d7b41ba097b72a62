/**
 * @file How figures, times and words are written on screen and in exports.
 *
 * Figures of money come as decimal texts and are only ever cut and rounded as texts: no digit is lost on the way to a
 * tooltip or a file. On screen the minus is U+2212 and thousands are set apart by thin spaces; files have ASCII.
 */

const MINUS = '\u2212';
const THIN = '\u2009';
/** Zero of which nothing is hidden by rounding. */
export const NONE = '·';
export const ABSENT = 'n/a';

/** Suffixes by thousands: the glossary's k and m, then what a book seldom needs. */
const SUFFIXES = ['', 'k', 'm', 'bn', 'tn'];
const SIGNIFICANT = 3;
/** Below one thousandth a figure in a matrix is `0`: three decimals are what a narrow column can carry. */
const DECIMALS_BELOW_ONE = 3;

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

/**
 * @typedef {string|number|null|undefined} Figure  a decimal text (exact) or a model number
 * @typedef {{isNegative: boolean, whole: string, fraction: string}} Parts
 */

/** A number's shortest decimal digits, without an exponent. @param {number} value @returns {string} */
function plain(value) {
  const text = String(value);
  if (!/e/i.test(text)) return text;
  return Math.abs(value) < 1 ? value.toFixed(20).replace(/\.?0+$/, '') : BigInt(Math.round(value)).toString();
}

/** @param {Figure} figure @returns {Parts|null} null when it is no figure */
function parts(figure) {
  if (figure === null || figure === undefined) return null;
  const text = typeof figure === 'number' ? plain(figure) : String(figure).trim();
  const match = /^([-+\u2212]?)(\d*)(?:\.(\d*))?$/.exec(text);
  if (!match || !(match[2] || match[3])) return null;
  return {
    isNegative: match[1] === '-' || match[1] === MINUS,
    whole: match[2].replace(/^0+(?=\d)/, '') || '0',
    fraction: match[3] ?? '',
  };
}

const isZero = ({ whole, fraction }) => /^0*$/.test(whole + fraction);

/**
 * Rounds half away from zero, in decimal.
 * @param {Parts} figure @param {number} decimals may be negative: -3 rounds to thousands @returns {Parts}
 */
function rounded({ isNegative, whole, fraction }, decimals) {
  const digits = whole + fraction;
  const keep = whole.length + decimals;
  if (keep >= digits.length) return { isNegative, whole, fraction };
  if (keep < 0) return { isNegative, whole: '0', fraction: '' };
  let kept = BigInt(digits.slice(0, keep) || '0');
  if (digits[keep] >= '5') kept += 1n;
  if (decimals <= 0) return { isNegative, whole: (kept * 10n ** BigInt(-decimals)).toString(), fraction: '' };
  const text = kept.toString().padStart(decimals + 1, '0');
  return { isNegative, whole: text.slice(0, -decimals), fraction: text.slice(-decimals) };
}

const grouped = (whole) => whole.replace(/\B(?=(\d{3})+$)/g, THIN);

const written = ({ whole, fraction }) => grouped(whole) + (fraction ? `.${fraction}` : '');

/** Shifts the decimal point left. @param {Parts} figure @param {number} places @returns {Parts} */
function shifted({ isNegative, whole, fraction }, places) {
  const padded = whole.padStart(places + 1, '0');
  return {
    isNegative,
    whole: padded.slice(0, padded.length - places).replace(/^0+(?=\d)/, ''),
    fraction: padded.slice(padded.length - places) + fraction,
  };
}

/** @param {Parts} figure @returns {number} decimals that leave three significant digits */
function decimalsFor({ whole }) {
  return whole === '0' ? DECIMALS_BELOW_ONE : SIGNIFICANT - whole.length;
}

/** @param {Parts} figure @returns {string} unsigned, three significant digits */
function shortened(figure) {
  let group = Math.min(Math.floor((figure.whole.length - 1) / 3), SUFFIXES.length - 1);
  let scaled = shifted(figure, group * 3);
  let near = rounded(scaled, decimalsFor(scaled));
  // 999.6 rounds to 1000, which is 1.00k.
  if (near.whole.length > 3 && group < SUFFIXES.length - 1) {
    group += 1;
    scaled = shifted(figure, group * 3);
    near = rounded({ ...scaled, whole: '1', fraction: '00' }, 2);
  } else {
    // 99.96 rounds to 100.0, which has a digit too many.
    near = rounded(near, decimalsFor(near));
  }
  if (isZero(near)) return '0';
  // A whole number stays one; of what was rounded the zeros are digits: 49.98 is 50.0.
  const isWhole = group === 0 && /^0*$/.test(figure.fraction);
  const fraction = isWhole ? '' : near.fraction;
  return near.whole + (fraction ? `.${fraction}` : '') + SUFFIXES[group];
}

/**
 * For matrices: three significant digits with k, m. `·` is none at all, `0` something that rounds to zero.
 * @param {Figure} figure @returns {string}
 */
export function short(figure) {
  const read = parts(figure);
  if (!read) return ABSENT;
  if (isZero(read)) return NONE;
  const text = shortened(read);
  return read.isNegative && text !== '0' ? MINUS + text : text;
}

/** As `short`, and a plus before what is positive. @param {Figure} figure @returns {string} */
export function signed(figure) {
  const text = short(figure);
  return tone(figure) === 'long' && text !== '0' ? `+${text}` : text;
}

/** Every digit, thousands apart. @param {Figure} figure @param {string} [unit] @returns {string} */
export function full(figure, unit) {
  const read = parts(figure);
  if (!read) return ABSENT;
  const text = (read.isNegative && !isZero(read) ? MINUS : '') + written(read);
  return unit ? `${text} ${unit}` : text;
}

/**
 * A fixed number of decimals.
 * @param {Figure} figure @param {number} decimals @returns {string}
 */
export function fixed(figure, decimals) {
  const read = parts(figure);
  if (!read) return ABSENT;
  const near = rounded(read, decimals);
  const padded = { ...near, fraction: near.fraction.padEnd(Math.max(decimals, 0), '0') };
  return (near.isNegative && !isZero(near) ? MINUS : '') + written(padded);
}

/** @param {number|null|undefined} share a fraction: 0.62 is 62.0 % @param {number} [decimals] @returns {string} */
export function percent(share, decimals = 1) {
  if (share === null || share === undefined || !Number.isFinite(Number(share))) return ABSENT;
  return `${fixed(Number(share) * 100, decimals)}${THIN}%`;
}

/** @param {number|null|undefined} vol a fraction @returns {string} vol points, one decimal: 0.483 is 48.3 */
export function points(vol) {
  return vol === null || vol === undefined ? ABSENT : fixed(vol * 100, 1);
}

/**
 * A price. Texts keep the decimals of their venue; model numbers get as many as their size deserves.
 * @param {Figure} figure @returns {string}
 */
export function price(figure) {
  const read = parts(figure);
  if (!read) return ABSENT;
  if (typeof figure === 'string') return full(figure);
  const size = Math.abs(figure);
  return fixed(figure, size >= 1000 ? 1 : size >= 10 ? 2 : size >= 0.1 ? 4 : 6);
}

/** A number of model make with a sign, for moves: +1.2, −0.4. @param {number|null} value @param {number} decimals */
export function move(value, decimals = 1) {
  const text = fixed(value, decimals);
  return Number(value) > 0 && !/^[0.]+$/.test(text) ? `+${text}` : text;
}

/** @param {Figure} figure @returns {'long'|'short'|'zero'} which side it is on: never by colour alone, the sign says it too */
export function tone(figure) {
  const read = parts(figure);
  if (!read || isZero(read)) return 'zero';
  return read.isNegative ? 'short' : 'long';
}

/** @param {string|number|null} time @returns {string} 28NOV26, as venues write it */
export function expiry(time) {
  const date = new Date(time ?? NaN);
  if (Number.isNaN(date.getTime())) return ABSENT;
  const day = String(date.getUTCDate()).padStart(2, '0');
  return day + MONTHS[date.getUTCMonth()] + String(date.getUTCFullYear()).slice(2);
}

/** @param {string|number|null} time @returns {string} 2026-11-25 12:30:00 UTC */
export function utc(time) {
  const date = new Date(time ?? NaN);
  if (Number.isNaN(date.getTime())) return ABSENT;
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}

/** @param {string|number|null} time @returns {string} 12:30:00, where the day is said elsewhere */
export function clock(time) {
  return utc(time).slice(11, 19) || ABSENT;
}

/** @param {number|null|undefined} seconds @returns {string} 1.2 s, 45 s, 3 min, 2 h, 4 d */
export function span(seconds) {
  if (seconds === null || seconds === undefined || Number.isNaN(seconds)) return ABSENT;
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1)} s`;
  if (seconds < 100) return `${Math.round(seconds)} s`;
  if (seconds < 6000) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} d`;
}

/** @param {string|number|null} time @param {number} [now] @returns {string} how long ago */
export function ago(time, now = Date.now()) {
  const at = new Date(time ?? NaN).getTime();
  return Number.isNaN(at) ? ABSENT : span(Math.max(0, Math.round((now - at) / 1000)));
}

/** Words of the server that hold figures, such as `vol -10`: with the minus of the screen. @param {string} text */
export const worded = (text) => text.replace(/(^|[\s(])-(?=[\d.])/g, `$1${MINUS}`);

/** @param {string} text @returns {string} with the minus of files */
export const ascii = (text) => text.replaceAll(MINUS, '-').replaceAll(THIN, '');

/** A field of a file. Text that a spreadsheet would take for a formula is made harmless; figures are left alone. */
function field(value) {
  if (value === null || value === undefined) return '';
  let text = ascii(String(value));
  if (/^[=+@\t\r]/.test(text) || (text[0] === '-' && !parts(text))) text = `'${text}`;
  return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** @param {any[][]} rows header first @returns {string} RFC 4180 */
export function csv(rows) {
  return rows.map((row) => row.map(field).join(',')).join('\r\n') + '\r\n';
}
