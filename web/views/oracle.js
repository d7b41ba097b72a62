/** @file Oracle: how each index is made: who says what, how far apart, how old. */
import { html } from '../lib/h.js';
import { useView } from '../lib/store.js';
import { Panel, Table, NA } from '../lib/panel.js';
import { fixed, move, price, span } from '../lib/format.js';

const SOURCES = [
  { key: 'venue', title: 'source', value: (row) => row.venue, head: true },
  { key: 'index_usd', title: 'says', unit: 'USD', num: true, value: (row) => row.index_usd, cell: (row) => (row.index_usd === null
    ? html`<${NA} why="prints no index" />` : price(row.index_usd)) },
  { key: 'deviation_bp', title: 'from index', unit: 'bp', num: true, value: (row) => row.deviation_bp,
    cell: (row) => (row.deviation_bp === null ? html`<${NA} why="no index to compare with" />` : move(row.deviation_bp, 2)) },
  { key: 'age_seconds', title: 'age', num: true, value: (row) => row.age_seconds, cell: (row) => (row.age_seconds === null
    ? html`<${NA} why="no quote has come" />` : span(row.age_seconds)) },
  { key: 'quotes', title: 'quotes', num: true, hide: 'narrow', value: (row) => row.quotes },
  { key: 'is_in_window', title: 'used', value: (row) => (row.is_in_window ? 'in the window' : 'too old'), cell: (row) => (row.is_in_window
    ? html`<span class="ok">✓</span> in the window` : html`<span class="na">○ too old</span>`) },
];
const RATES = [
  { key: 'asset', title: 'currency', value: (row) => row.asset, head: true },
  { key: 'usd', title: 'rate', unit: 'USD per unit', num: true, value: (row) => row.usd, cell: (row) => (row.usd === null
    ? html`<${NA} why="no rate" />` : fixed(row.usd, 5)) },
  { key: 'off', title: 'from par', unit: 'bp', num: true, value: (row) => (row.usd === null ? null : (row.usd - 1) * 1e4),
    cell: (row) => (row.usd === null ? html`<${NA} why="no rate" />` : move((row.usd - 1) * 1e4, 1)) },
  { key: 'from', title: 'from', value: (row) => row.from },
];

/** Sources by their distance from the index; hollow dots are not used. */
function Offsets({ sources }) {
  const known = sources.filter((source) => source.deviation_bp !== null);
  const reach = Math.max(2, ...known.map((source) => Math.abs(source.deviation_bp))) * 1.15;
  const said = known.map((source) => `${source.venue} ${move(source.deviation_bp, 1)} bp`).join(', ');
  return html`<div class="offsets-row"><span class="offsets" role="img"
      aria-label="distance from the index: ${said}">${known.map((source) => html`<i key=${source.venue}
      class=${source.is_in_window ? '' : 'out'}
      style="left:${50 + (source.deviation_bp / reach) * 50}%" title="${source.venue} ${move(source.deviation_bp, 2)} bp"></i>`)}</span>
    <span class="scale"><span>${move(-reach, 1)} bp</span><span>index</span><span>${move(reach, 1)} bp</span></span></div>`;
}

function Index({ index, env }) {
  const { underlying } = index;
  return html`<${Panel} title="${underlying} index" unit="USD" env=${env} stale=${index.is_stale ? [underlying] : []}>
    <dl class="facts">
      <div class=${index.is_stale ? 'stale' : ''}><dt>index, USD</dt><dd>${index.index_usd === null
        ? html`<${NA} why=${index.why_not ?? 'no source is in the window'} />` : price(index.index_usd)}</dd></div>
      <div><dt>spread of sources, bp</dt><dd>${index.spread_bp === null
        ? html`<${NA} why="fewer than two sources" />` : fixed(index.spread_bp, 2)}</dd></div>
      <div><dt>sources used</dt><dd>${index.sources.filter((source) => source.is_in_window).length} of ${index.sources.length}</dd></div>
      <div><dt>window</dt><dd>${span(index.window_seconds)}</dd></div>
    </dl>
    ${index.why_not && html`<p class="warn">▲ ${index.why_not}</p>`}
    <${Offsets} sources=${index.sources} />
    <${Table} name="oracle-${underlying}" isSecond caption="sources of the ${underlying} index" columns=${SOURCES} rows=${index.sources}
      rowKey=${(row) => row.venue}
      stale=${() => index.is_stale} empty="No source prints an index." />
  <//>`;
}

function Component() {
  const view = useView('oracle');
  const { data } = view;
  if (!data) return html`<${Panel} title="Oracle" env=${null} error=${view.error} loading />`;
  return html`<div class="view">
    ${view.error && html`<${Panel} title="Oracle" env=${view.env} error=${view.error} />`}
    <div class="pair">${data.indices.map((index) => html`<${Index} key=${index.underlying} index=${index} env=${view.env} />`)}
      <${Panel} title="Rates of currencies" env=${view.env} stale=${[]}><${Table} name="oracle-rates" isSecond
        caption="USD rates of currencies" columns=${RATES} rows=${data.rates} rowKey=${(row) => row.asset}
        empty="No currency is held or quoted." />
        <p class="caveat">own: from the currency's own pairs. A depeg is a shock to a rate; it is never taken for 1 in silence.</p><//>
    </div>
  </div>`;
}

export default { name: 'oracle', title: 'Oracle', letter: 'r', Component };
