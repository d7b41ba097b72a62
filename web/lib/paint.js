/** @file What drawings take from the page: colours of the theme, the font, and ramps for cells. */

/** @param {string} name of a custom property, without the dashes @returns {string} */
export function token(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim() || '#888';
}

/** @param {number} size in CSS pixels @returns {string} canvases do not inherit a font: it is named each time */
export function font(size, weight = '') {
  const family = getComputedStyle(document.body).fontFamily || 'system-ui, sans-serif';
  return `${weight} ${size}px ${family}`.trim();
}

/** Viridis at even steps: dark is low, light is high, told apart by colour-blind eyes too. */
const SEQUENTIAL = [[68, 1, 84], [71, 44, 122], [59, 81, 139], [44, 113, 142], [33, 144, 141], [39, 173, 129], [92, 200, 99], [170, 220, 50], [253, 231, 37]];

/** @param {number} share from 0 to 1 @returns {[number, number, number]} */
export function sequential(share) {
  const at = Math.max(0, Math.min(1, share)) * (SEQUENTIAL.length - 1);
  const low = Math.min(Math.floor(at), SEQUENTIAL.length - 2);
  return SEQUENTIAL[low].map((channel, index) => Math.round(channel + (SEQUENTIAL[low + 1][index] - channel) * (at - low)));
}

/** @param {[number, number, number]} rgb @returns {string} */
export const css = (rgb) => `rgb(${rgb.join(' ')})`;

/** @param {[number, number, number]} rgb @returns {string} black or white, whichever is read more easily on it */
export function inkOn([red, green, blue]) {
  const linear = (channel) => (channel / 255 <= 0.04045 ? channel / 255 / 12.92 : ((channel / 255 + 0.055) / 1.055) ** 2.4);
  const luminance = 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue);
  return luminance > 0.179 ? '#000' : '#fff';
}

/** Tints above this hide the figure that they carry. */
const STRONGEST_TINT = 46;

/**
 * Style of a cell that carries a signed figure: blue if long, orange if short, by its size. The text stays neutral: it
 * is the sign that says the side, and coloured text on a coloured cell is hard to read.
 * @param {string|number|null} figure @param {number} scale size that gets the strongest tint @returns {string|undefined}
 */
export function tint(figure, scale) {
  const size = Number(figure);
  if (figure === null || !Number.isFinite(size) || size === 0 || !(scale > 0)) return undefined;
  // A root lets the small figures of a ladder be seen beside its worst corner.
  const strength = Math.round(Math.sqrt(Math.min(1, Math.abs(size) / scale)) * STRONGEST_TINT);
  return `background:color-mix(in srgb, var(${size > 0 ? '--chart-long' : '--chart-short'}) ${strength}%, transparent)`;
}

/** @param {(number|null)[]} values @param {number} [low] @param {number} [high] percentiles, so that one far cell does not eat the ramp */
export function span(values, low = 0.02, high = 0.98) {
  const known = values.filter((value) => Number.isFinite(value)).sort((a, b) => a - b);
  if (known.length === 0) return [0, 1];
  const at = (share) => known[Math.round(share * (known.length - 1))];
  const [from, to] = [at(low), at(high)];
  return to > from ? [from, to] : [from, from + 1];
}

const GREY = [112, 120, 130];
const SIDES = { long: [38, 118, 214], short: [224, 112, 24] };

/** @param {number} share from -1, all orange, over grey to 1, all blue @returns {[number, number, number]} */
export function diverging(share) {
  const side = share < 0 ? SIDES.short : SIDES.long;
  const strength = Math.min(1, Math.abs(share));
  return GREY.map((channel, index) => Math.round(channel + (side[index] - channel) * strength));
}
