/** @file What stands beside a chart: the legend with the figures under the cursor, and the same figures as a table. */
import { html, useState } from './h.js';

/** So many rows of the table are enough to read a curve by. */
const TABLE_ROWS = 25;

const shown = (series, index, figure) => {
  const exact = series.texts?.[index];
  const value = exact ?? series.values[index];
  return value === null || value === undefined ? 'n/a' : figure(value);
};

/** A short stroke as the line is drawn. */
function Stroke({ series }) {
  return html`<svg class="stroke" width="22" height="8" aria-hidden="true"><line x1="1" x2="21" y1="4" y2="4"
    stroke="var(--${series.color})" stroke-width=${series.width ?? 2} stroke-dasharray=${series.dash?.join(' ')} /></svg>`;
}

/** The legend; with a cursor it says the exact figures there. */
export function Readout({ x, series, xFormat, figure, unit, cursor }) {
  const at = cursor !== null && cursor < x.length ? cursor : null;
  return html`<figcaption class="readout">
    ${series.map((one) => html`<span key=${one.label} class="key"><${Stroke} series=${one} />${one.label}
      ${at !== null && html` <b>${shown(one, at, figure)}</b>`}</span>`)}
    ${unit && html`<span class="unit">${unit}</span>`}
    <span class="where" aria-live="polite">${at !== null && html`at <b>${xFormat(x[at])}</b>`}</span>
  </figcaption>`;
}

/** Opened on demand: a table costs nothing while nobody reads it. */
export function Twin({ label, x, series, xTitle, unit, xFormat, figure }) {
  const [isOpen, setOpen] = useState(false);
  const step = Math.max(1, Math.ceil(x.length / TABLE_ROWS));
  return html`<details class="twin" onToggle=${(event) => setOpen(event.target.open)}>
    <summary>as a table</summary>
    ${isOpen && html`<div class="scroll" tabindex="0" role="region" aria-label=${label}><table>
      <caption class="sr">${label}</caption>
      <thead><tr><th scope="col">${xTitle}</th>${series.map((one) => html`<th scope="col" class="num" key=${one.label}>${one.label}
        <span class="unit">${unit}</span></th>`)}</tr></thead>
      <tbody>${x.map((value, index) => index % step === 0 && html`<tr key=${value}><th scope="row">${xFormat(value)}</th>
        ${series.map((one) => html`<td class="num" key=${one.label}>${shown(one, index, figure)}</td>`)}</tr>`)}</tbody>
    </table></div>`}
  </details>`;
}
