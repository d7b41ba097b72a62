/** @file Bars as tables: whoever does not see a bar reads the row; the figure always stands beside it. */
import { html, useRef } from './h.js';
import { tone } from './format.js';
import { useKeys, takeTheKeys } from './keys.js';
import { useExport, preferExport } from './exports.js';
import { Amount } from './panel.js';

/**
 * @typedef {object} Bar
 * @property {string} key
 * @property {any} label
 * @property {string|null} text   exact figure
 * @property {string} [why]       the figure is absent
 * @property {any} [tag]          behind the label
 * @property {string} [title]     on hover of the label
 * @property {boolean} [isStale]
 */

/** @param {Bar[]} rows @returns {number} the largest size, for widths only */
function largest(rows) {
  return Math.max(...rows.map((row) => Math.abs(Number(row.text ?? 0))), 0) || 1;
}

/** One bar from the zero line, to the left if short. */
function Stick({ text, scale }) {
  const size = text === null ? 0 : Math.min(1, Math.abs(Number(text)) / scale) * 50;
  const side = tone(text);
  const start = side === 'short' ? 50 - size : 50;
  return html`<span class="stick" aria-hidden="true"><span class="fill ${side}" style="left:${start}%;width:${size}%"></span></span>`;
}

/**
 * Bars to both sides of zero, as given: the order is the caller's.
 * @param {object} props
 * @param {string} props.caption @param {string} props.unit @param {Bar[]} props.rows
 * @param {string} props.name of the file that `e` saves
 * @param {string} [props.head] of the labels
 * @param {string|null} [props.chosen] key @param {(key: string) => void} [props.onChoose]
 */
export function Tornado({ caption, unit, rows, name, head = '', chosen, onChoose }) {
  const body = useRef(null);
  const scale = largest(rows);
  const offer = useExport(name, () => [[head || 'what', unit], ...rows.map((row) => [row.key, row.text])], body);
  const step = (by) => {
    const index = rows.findIndex((row) => row.key === chosen);
    const next = rows[Math.max(0, Math.min(rows.length - 1, index + by))];
    if (!next) return;
    onChoose(next.key);
    requestAnimationFrame(() => body.current?.querySelector('[aria-pressed=true]')?.focus());
  };
  const holder = useKeys(onChoose ? { j: () => step(1), k: () => step(-1) } : {}, body);
  return html`<div class="scroll" onFocusIn=${() => {
    preferExport(offer);
    takeTheKeys(holder);
  }}><table class="bars">
    <caption class="sr">${caption}</caption>
    <thead><tr><th scope="col">${head}</th><th scope="col" class="lane"><span class="sr">bar</span></th>
      <th scope="col" class="num"><span class="unit">${unit}</span></th></tr></thead>
    <tbody ref=${body}>${rows.map((row) => html`<tr key=${row.key}
      class=${[row.isStale ? 'stale' : '', row.key === chosen ? 'chosen' : '', onChoose ? 'opens' : ''].join(' ').trim() || null}
      onClick=${onChoose && (() => onChoose(row.key))}>
      <th scope="row" title=${row.title}>${onChoose
        ? html`<button type="button" class="plain" aria-pressed=${row.key === chosen ? 'true' : 'false'}>${row.label}</button>`
        : row.label} ${row.tag}</th>
      <td class="lane"><${Stick} text=${row.text} scale=${scale} /></td>
      <td class="num"><${Amount} text=${row.text} why=${row.why} /></td>
    </tr>`)}</tbody>
  </table></div>`;
}

/**
 * From nothing to the total, part by part. Sums of widths only: the figures come as they are.
 * @param {{caption: string, unit: string, parts: Bar[], total: Bar, name: string}} props
 */
export function Waterfall({ caption, unit, parts, total, name }) {
  const body = useRef(null);
  useExport(name, () => [['part', unit], ...[...parts, total].map((row) => [row.key, row.text])], body);
  let level = 0;
  const steps = parts.map((part) => {
    const from = level;
    level += Number(part.text ?? 0);
    return { ...part, from, to: level };
  });
  steps.push({ ...total, from: 0, to: Number(total.text ?? 0), isTotal: true });
  const low = Math.min(0, ...steps.map((step) => Math.min(step.from, step.to)));
  const high = Math.max(0, ...steps.map((step) => Math.max(step.from, step.to)));
  const width = high - low || 1;
  const at = (value) => ((value - low) / width) * 100;
  return html`<div class="scroll"><table class="bars waterfall">
    <caption class="sr">${caption}</caption>
    <thead><tr><th scope="col">part</th><th scope="col" class="lane"><span class="sr">bar</span></th>
      <th scope="col" class="num"><span class="unit">${unit}</span></th></tr></thead>
    <tbody ref=${body}>${steps.map((step) => html`<tr key=${step.key} class=${step.isTotal ? 'total' : null}>
      <th scope="row" title=${step.title}>${step.label} ${step.tag}</th>
      <td class="lane"><span class="stick" aria-hidden="true" style="--zero:${at(0)}%">
        <span class="fill ${tone(step.text)}"
          style="left:${at(Math.min(step.from, step.to))}%;width:${Math.max(0.3, Math.abs(step.to - step.from) / width * 100)}%"></span></span></td>
      <td class="num"><${Amount} text=${step.text} why=${step.why} /></td>
    </tr>`)}</tbody>
  </table></div>`;
}

/** A track between two distances: what lies between is safe, a wall at each side is liquidation. */
const REACH_PERCENT = 60;

/**
 * @param {object} props
 * @param {number|null} props.down percent, negative @param {number|null} props.up percent
 * @param {string} props.label in words @param {(percent: number) => 'near'|'mid'|'far'} props.level
 */
export function Distance({ down, up, label, level }) {
  const at = (percent) => 50 + (Math.max(-REACH_PERCENT, Math.min(REACH_PERCENT, percent)) / REACH_PERCENT) * 50;
  const left = down === null ? 0 : at(down);
  const right = up === null ? 100 : at(up);
  return html`<span class="distance" role="img" aria-label=${label}>
    <span class="safe" style="left:${left}%;width:${right - left}%"></span>
    ${down !== null && html`<span class="wall ${level(down)}" style="left:0;width:${Math.max(1, left)}%"></span>`}
    ${up !== null && html`<span class="wall ${level(up)}" style="left:${Math.min(99, right)}%;right:0"></span>`}
    <span class="spot"></span>
  </span>`;
}
