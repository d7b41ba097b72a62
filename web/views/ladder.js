/** @file Ladder: P&L and a greek of one underlying by spot return and vol shift, by full revaluation. */
import { html, useEffect, useRef, useState } from '../lib/h.js';
import { book, useView } from '../lib/store.js';
import { Panel, Choice, useExport } from '../lib/panel.js';
import { useKeys } from '../lib/keys.js';
import { useUnderlying } from '../lib/underlyings.js';
import { Fresh } from '../lib/fresh.js';
import { short, fixed, full, move, price } from '../lib/format.js';
import { tint } from '../lib/paint.js';

const GREEKS = [
  ['delta_cash', 'Δ', 'cash delta, for a spot move of 100 % (d)'],
  ['gamma_cash_1pct', 'Γ', 'gamma cash, per 1 % (g)'],
  ['vega', 'vega', 'vega, per vol point (v)'],
];
const WORDS = { pnl: 'P&L', delta_cash: 'cash delta', gamma_cash_1pct: 'gamma cash 1 %', vega: 'vega' };
const HORIZONS = [0, 1, 7, 30];

/** Vol shifts from high to low, as a screen is read; the server's order may be either. */
function rowOrder(volPoints) {
  return volPoints.map((vol, index) => ({ vol, index })).sort((a, b) => b.vol - a.vol);
}

const percentOf = (spotReturn) => `${move(spotReturn * 100, 0)} %`;

function describe(data, row, column) {
  const spot = data.spot_usd * (1 + data.spot_returns[column]);
  return html`spot ${percentOf(data.spot_returns[column])} (${price(spot)}), vol ${move(data.vol_points[row], 0)} points: <b>${full(data.cells[row][column], data.unit)}</b>`;
}

function worstWords({ worst, unit }) {
  if (!worst) return 'no worst cell';
  return html`worst: spot ${percentOf(worst.spot_return)}, vol ${move(worst.vol_points, 0)} points: <b title=${full(worst.figure, unit)}>${fixed(worst.figure, 0)} ${unit}</b>`;
}

/** Only of a P&L is the lowest cell the worst one. */
const worstOf = (data) => (data.measure === 'pnl' ? data.worst : null);

function Grid({ data }) {
  const [at, setAt] = useState(null);
  const body = useRef(null);
  const order = rowOrder(data.vol_points);
  const scale = Math.max(...data.cells.flat().map((cell) => Math.abs(Number(cell ?? 0))));
  const worst = worstOf(data);
  useExport(`ladder-${data.underlying}-${data.measure}-${data.days}d`, () => [
    [`vol points \\ spot return (${data.unit})`, ...data.spot_returns],
    ...order.map(({ vol, index }) => [vol, ...data.cells[index]]),
  ], body);
  useEffect(() => {
    // On a narrow screen the middle, where the market is, is what is seen first.
    const region = body.current.closest('.scroll');
    const here = body.current.querySelector('td.here');
    if (here) region.scrollLeft = here.offsetLeft + here.offsetWidth / 2 - region.clientWidth / 2;
  }, []);
  const onKeyDown = (event) => {
    const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    const cell = event.target.closest('td');
    if (!step || !cell) return;
    event.preventDefault();
    const row = cell.parentElement.sectionRowIndex + step[0];
    body.current.rows[row]?.cells[cell.cellIndex + step[1]]?.focus();
  };
  const isWorst = (row, column) => worst && data.spot_returns[column] === worst.spot_return && data.vol_points[row] === worst.vol_points;
  const isHere = (row, column) => data.vol_points[row] === 0 && data.spot_returns[column] === 0;
  return html`
    <p class="readout" aria-hidden="true"><span class="where">${at ? describe(data, at.row, at.column)
      : worst ? worstWords(data) : html`<span class="dim">point at a cell for its full figure</span>`}</span></p>
    <div class="scroll"><table class="ladder" onKeyDown=${onKeyDown} onMouseLeave=${() => setAt(null)}>
      <caption class="sr">${data.underlying}, ${WORDS[data.measure]} in ${data.unit}: vol shift in points down, spot return across</caption>
      <thead><tr><th scope="col">vol<span class="price">points</span></th>${data.spot_returns.map((value) => html`
        <th scope="col" key=${value} class=${value === 0 ? 'here' : null}>${percentOf(value)}<span
          class="price">${price(data.spot_usd * (1 + value))}</span></th>`)}</tr></thead>
      <tbody ref=${body}>${order.map(({ vol, index: row }) => html`<tr key=${vol}>
        <th scope="row" class=${vol === 0 ? 'here' : null}>${move(vol, 0)}</th>
        ${data.cells[row].map((cell, column) => html`<td key=${column} style=${tint(cell, scale)}
            title=${cell === null ? 'no figure' : full(cell, data.unit)}
          class=${[isWorst(row, column) ? 'worst' : '', isHere(row, column) ? 'here' : ''].join(' ').trim() || null}
          tabindex=${isHere(row, column) ? 0 : -1} onFocus=${() => setAt({ row, column })} onMouseEnter=${() => setAt({ row, column })}>
          ${short(cell)}${isWorst(row, column) && html`<span class="sr"> worst</span>`}</td>`)}
      </tr>`)}</tbody>
    </table></div>`;
}

function Shown({ view, title, underlying, note, actions, children }) {
  const isStale = view.isStale(underlying);
  return html`<${Panel} title=${title} unit=${view.data?.unit} env=${view.env} error=${view.error} loading=${view.loading}
      stale=${isStale ? [underlying] : []} note=${note} actions=${actions}>
    ${view.data && html`<${Fresh} isStale=${isStale}><${Grid} data=${view.data} /><//>`}
    ${view.data?.note && html`<p class="warn">▲ ${view.data.note}</p>`}
    ${children}
  <//>`;
}

/** On a narrow screen, where the row above all views leaves it out. */
function Roll({ choices }) {
  const list = [...new Set([...choices, book.days.value])].sort((a, b) => a - b);
  return html`<span class="roll"><${Choice} label="time roll" options=${list.map((days) => [days, days === 0 ? 'now' : `+${days} d`])}
    value=${book.days.value} onChange=${(days) => { book.days.value = days; }} /></span>`;
}

function Component({ params }) {
  const underlying = useUnderlying(params);
  const [greek, setGreek] = useState(WORDS[params?.measure] && params.measure !== 'pnl' ? params.measure : 'delta_cash');
  const days = book.days.value;
  const pnl = useView('ladder', { underlying, days, measure: 'pnl' });
  const second = useView('ladder', { underlying, days, measure: greek });
  useKeys({ d: () => setGreek('delta_cash'), g: () => setGreek('gamma_cash_1pct'), v: () => setGreek('vega') });
  const when = days === 0 ? 'now' : `${days} day${days === 1 ? '' : 's'} later`;
  return html`<div class="view">
    <${Shown} view=${pnl} underlying=${underlying} title="${underlying} P&L, spot × vol" note="${when}, ${pnl.data?.rule ?? ''}"
      actions=${html`<${Roll} choices=${pnl.data?.day_choices ?? HORIZONS} />`} />
    <${Shown} view=${second} underlying=${underlying} title="${underlying} ${WORDS[greek]}, spot × vol" note=${when}
      actions=${html`<${Choice} label="greek" options=${GREEKS} value=${greek} onChange=${setGreek} />`}>
      <p class="caveat">Every cell is priced anew: all contracts of the underlying at that spot and vol. P&L is against the value of the market shown. The worst P&L is outlined.</p>
    <//>
  </div>`;
}

export default { name: 'ladder', title: 'Ladder', letter: 'l', Component };
