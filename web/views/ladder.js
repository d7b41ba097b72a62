/** @file Ladder: P&L or a greek of one underlying by spot return and vol shift, by full revaluation. */
import { html, useRef, useState } from '../lib/h.js';
import { book, useView } from '../lib/store.js';
import { Panel, Choice, useExport } from '../lib/panel.js';
import { useKeys } from '../lib/keys.js';
import { useUnderlying } from '../lib/underlyings.js';
import { short, full, move, price } from '../lib/format.js';
import { tint } from '../lib/paint.js';

const MEASURES = [
  ['pnl', 'P&L', 'change of value against now (p)'],
  ['delta_cash', 'Δ', 'cash delta, for a spot move of 100 % (d)'],
  ['gamma_cash_1pct', 'Γ', 'gamma cash, per 1 % (g)'],
  ['vega', 'vega', 'vega, per vol point (v)'],
];
const HORIZONS = [0, 1, 7, 30];

/** Vol shifts from high to low, as a screen is read; the server's order may be either. */
function rowOrder(volPoints) {
  return volPoints.map((vol, index) => ({ vol, index })).sort((a, b) => b.vol - a.vol);
}

const percentOf = (spotReturn) => `${move(spotReturn * 100, 0)} %`;

function describe(data, row, column) {
  const spot = data.spot_usd * (1 + data.spot_returns[column]);
  return html`spot ${percentOf(data.spot_returns[column])} (${price(spot)}), vol ${move(data.vol_points[row], 0)} points:
    <b>${full(data.cells[row][column], data.unit)}</b>`;
}

function Grid({ data }) {
  const [at, setAt] = useState(null);
  const body = useRef(null);
  const order = rowOrder(data.vol_points);
  const scale = Math.max(...data.cells.flat().map((cell) => Math.abs(Number(cell ?? 0))));
  const { worst } = data;
  useExport(`ladder-${data.underlying}-${data.measure}-${data.days}d`, () => [
    [`vol points \\ spot return (${data.unit})`, ...data.spot_returns],
    ...order.map(({ vol, index }) => [vol, ...data.cells[index]]),
  ]);
  const onKeyDown = (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const cell = event.target.closest('td');
    if (!step || !cell) return;
    event.preventDefault();
    const row = cell.parentElement.rowIndex - 1 + step[0];
    body.current.rows[row]?.cells[cell.cellIndex + step[1]]?.focus();
  };
  const isWorst = (row, column) => worst && data.spot_returns[column] === worst.spot_return && data.vol_points[row] === worst.vol_points;
  return html`
    <p class="readout" aria-hidden="true"><span class="where">${at ? describe(data, at.row, at.column)
      : worst ? html`worst: spot ${percentOf(worst.spot_return)}, vol ${move(worst.vol_points, 0)} points: <b>${full(worst.figure, data.unit)}</b>` : 'no worst cell'}</span></p>
    <div class="scroll"><table class="ladder" onKeyDown=${onKeyDown} onMouseLeave=${() => setAt(null)}>
      <caption class="sr">${data.underlying}, ${data.measure} in ${data.unit}: vol shift in points down, spot return across</caption>
      <thead><tr><th scope="col">vol<span class="price">points</span></th>${data.spot_returns.map((value) => html`
        <th scope="col" key=${value} class=${value === 0 ? 'here' : null}>${percentOf(value)}<span class="price">${price(data.spot_usd * (1 + value))}</span></th>`)}</tr></thead>
      <tbody ref=${body}>${order.map(({ vol, index: row }) => html`<tr key=${vol}>
        <th scope="row" class=${vol === 0 ? 'here' : null}>${move(vol, 0)}</th>
        ${data.cells[row].map((cell, column) => html`<td key=${column} style=${tint(cell, scale)} title=${cell === null ? 'no figure' : full(cell, data.unit)}
          class=${[isWorst(row, column) ? 'worst' : '', vol === 0 && data.spot_returns[column] === 0 ? 'here' : ''].join(' ').trim() || null}
          tabindex=${vol === 0 && data.spot_returns[column] === 0 ? 0 : -1}
          onFocus=${() => setAt({ row, column })} onMouseEnter=${() => setAt({ row, column })}>
          ${short(cell)}${isWorst(row, column) && html`<span class="sr"> worst</span>`}</td>`)}
      </tr>`)}</tbody>
    </table></div>`;
}

function Component({ params }) {
  const underlying = useUnderlying(params);
  const [measure, setMeasure] = useState(params?.measure ?? 'pnl');
  const view = useView('ladder', { underlying, days: book.days.value, measure });
  useKeys({ p: () => setMeasure('pnl'), d: () => setMeasure('delta_cash'), g: () => setMeasure('gamma_cash_1pct'), v: () => setMeasure('vega') });
  const { data } = view;
  const isBumped = Boolean(book.bumps.value);
  const choices = [...new Set([...(data?.day_choices ?? HORIZONS), book.days.value])].sort((a, b) => a - b);
  return html`<div class="view">
    <${Panel} title="${underlying} ladder, spot × vol" unit=${data?.unit} env=${view.env} error=${view.error} loading=${view.loading} stale=${view.isStale(underlying) ? [underlying] : []}
      note=${data?.rule}
      actions=${html`
        <${Choice} label="measure" options=${MEASURES} value=${measure} onChange=${setMeasure} />
        ${isBumped ? html`<span class="tag whatif" title="the what-if bar says the day">day of the what-if</span>`
          : html`<${Choice} label="time roll" options=${choices.map((days) => [days, days === 0 ? 'now' : `+${days} d`, 'time roll: [ and ]'])}
            value=${book.days.value} onChange=${(days) => { book.days.value = days; }} />`}`}>
      ${data && html`<div class=${view.isStale(underlying) ? 'stale' : ''}><${Grid} data=${data} /></div>`}
      <p class="caveat">Every cell is priced anew: all contracts of the underlying at that spot and vol, ${data?.days ? `${data.days} days on` : 'now'}.
        Smiles: ${data?.rule ?? 'n/a'}. The worst cell is outlined.</p>
    <//>
  </div>`;
}

export default { name: 'ladder', title: 'Ladder', letter: 'l', Component };
