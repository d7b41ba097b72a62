/** @file Exact sums and comparisons of decimal texts, by BigInt. No figure of money passes through a float. */

/** @param {string} text an ASCII decimal @returns {{digits: bigint, scale: number}} value = digits / 10^scale */
function parsed(text) {
  const [whole, fraction = ''] = text.split('.');
  return { digits: BigInt(whole + fraction), scale: fraction.length };
}

function written(digits, scale) {
  const sign = digits < 0n ? '-' : '';
  const plain = (digits < 0n ? -digits : digits).toString().padStart(scale + 1, '0');
  if (scale === 0) return sign + plain;
  const fraction = plain.slice(-scale).replace(/0+$/, '');
  return sign + plain.slice(0, -scale) + (fraction && `.${fraction}`);
}

/** @param {string[]} texts @returns {string} the exact sum */
export function sum(texts) {
  let digits = 0n;
  let scale = 0;
  for (const text of texts) {
    const next = parsed(text);
    const common = Math.max(scale, next.scale);
    digits = digits * 10n ** BigInt(common - scale) + next.digits * 10n ** BigInt(common - next.scale);
    scale = common;
  }
  return written(digits, scale);
}

/** @param {string} a @param {string} b @returns {number} below, at or above zero as a is to b */
export function compare(a, b) {
  const left = parsed(a);
  const right = parsed(b);
  const common = Math.max(left.scale, right.scale);
  const difference = left.digits * 10n ** BigInt(common - left.scale) - right.digits * 10n ** BigInt(common - right.scale);
  return difference < 0n ? -1 : difference > 0n ? 1 : 0;
}

/** @param {string|null} text @returns {string|null} without its sign */
export const magnitude = (text) => (text?.startsWith('-') ? text.slice(1) : text);

/** @param {any} value @returns {boolean} whether it is a decimal text */
export const isDecimal = (value) => typeof value === 'string' && /^-?\d+(\.\d+)?$/.test(value);
