/** @file Funding: what perpetuals pay, what dated futures carry, and what of it falls to the book. */
import { html, useMemo, useState } from '../lib/h.js';
import { useView, book } from '../lib/store.js';
import { Panel, Choice, Table, Amount, NA } from '../lib/panel.js';
import { Fresh } from '../lib/fresh.js';
import { Chart } from '../lib/chart.js';
import { fixed, move, price, span, full, tone } from '../lib/format.js';

const model = (key, title, unit, show, why, hide) => ({
  key, title, unit, num: true, hide, value: (row) => row[key],
  cell: (row) => (row[key] === null || row[key] === undefined ? html`<${NA} why=${row.why_not ?? why} />` : show(row[key])),
});
const money = (key, title, unit, why) => ({
  key, title, unit, num: true, value: (row) => row[key],
  cell: (row) => (row[key] === null && row.position_usd === null && !row.why_not
      ? html`<span class="dim" title="nothing is held of it">–</span>` : html`<${Amount} text=${row[key]} unit="USD"
      why=${row.why_not ?? why} />`),
});
const side = (text) => html`<span class=${tone(text)}>${text}</span>`;

const PERPETUALS = [
  { key: 'instrument', title: 'perpetual', value: (row) => row.instrument, head: true },
  { key: 'venue', title: 'venue', value: (row) => row.venue },
  model('mark_price', 'mark', 'USD', price, 'no mark', 'narrow'),
  model('index_usd', 'index', 'USD', price, 'no index', 'narrow'),
  model('basis_bp', 'basis', 'bp', (value) => move(value, 2), 'no mark or no index'),
  model('funding_bp_8h', 'funding', 'bp per 8 h', (value) => move(value, 3), 'the venue says no rate'),
  model('funding_percent_year', 'funding', '% a year', (value) => move(value, 2), 'the venue says no rate'),
  money('position_usd', 'held', 'cash delta, USD', 'no value'),
  money('expected_usd_per_day', 'expected', 'USD per day', 'the venue says no rate'),
  { key: 'age_seconds', title: 'age', num: true, hide: 'narrow', value: (row) => row.age_seconds, cell: (row) => (row.age_seconds === null
    ? html`<${NA} why="no quote has come" />` : span(row.age_seconds)) },
];
const FUTURES = [
  { key: 'instrument', title: 'future', value: (row) => row.instrument, head: true },
  { key: 'venue', title: 'venue', value: (row) => row.venue },
  { key: 'expiry', title: 'expiry', value: (row) => row.expiry, cell: (row) => row.expiry_text, hide: 'narrow' },
  model('days', 'days', '', (value) => fixed(value, 1), 'no expiry'),
  model('mark_price', 'mark', 'USD', price, 'no mark'),
  model('forward', 'forward', 'of record, USD', price, 'no forward of record', 'narrow'),
  model('basis_percent', 'basis', '%', (value) => move(value, 2), 'no mark or no index'),
  model('basis_percent_year', 'basis', '% a year', (value) => move(value, 2), 'no mark or no index'),
  money('position_usd', 'held', 'cash delta, USD', 'no value'),
  { key: 'age_seconds', title: 'age', num: true, hide: 'narrow', value: (row) => row.age_seconds, cell: (row) => (row.age_seconds === null
    ? html`<${NA} why="no quote has come" />` : span(row.age_seconds)) },
];
const RECEIVED = [
  { key: 'asset', title: 'asset', value: (row) => row.asset, head: true },
  { key: 'amount', title: 'received since open', unit: 'asset', num: true, value: (row) => row.amount,
    cell: (row) => html`<span class=${tone(row.amount)}>${full(row.amount)}</span>` },
];

function BasisCurve({ futures, underlying }) {
  const rows = futures.filter((row) => row.underlying === underlying && row.basis_percent_year !== null).sort((a, b) => a.days - b.days);
  if (rows.length < 2) return html`<p class="empty">A basis curve of ${underlying} needs two dated futures.</p>`;
  return html`<${Chart} label="annual basis of ${underlying} futures by days to expiry" x=${rows.map((row) => row.days)} height=${190}
    series=${[{ label: `${underlying} basis`, color: 'chart-1', values: rows.map((row) => row.basis_percent_year) }]}
    xUnit="days to expiry" yUnit="% a year" xFormat=${(value) => fixed(value, 0)} yFormat=${(value) => move(value, 1)}
        figure=${(value) => move(value, 2)} />`;
}

function Component() {
  const view = useView('funding');
  const [held, setHeld] = useState('all');
  const { data } = view;
  const keep = (rows) => (held === 'held' ? rows.filter((row) => row.position_usd !== null) : rows);
  const perpetuals = useMemo(() => keep(data?.perpetuals ?? []), [data, held]);
  const futures = useMemo(() => keep(data?.futures ?? []), [data, held]);
  const isStale = (row) => view.isStale(row.underlying);
  return html`<div class="view">
    <${Panel} title="Perpetuals" env=${view.env} error=${view.error} loading=${view.loading}
      note=${data && html`expected of the book: ${side(move(data.total_expected_usd_per_day, 2))} USD per day`}
      actions=${html`<${Choice} label="rows" options=${[['all', 'all'], ['held', 'held only']]} value=${held} onChange=${setHeld} />`}>
      ${data && html`<${Table} name="funding-perpetuals" caption="funding of perpetuals" columns=${PERPETUALS} rows=${perpetuals}
          rowKey=${(row) => `${row.venue} ${row.instrument}`} stale=${isStale} empty="No perpetual." />`}
      <p class="caveat">Longs pay a positive rate. A year is 1,095 payments of 8 hours. Expected: at the rate of now, with the position of now; minus is paid.</p>
    <//>
    ${data && html`<${Panel} title="Dated futures" env=${view.env} stale=${[]}><${Table} name="funding-futures" isSecond
        caption="basis of dated futures" columns=${FUTURES} rows=${futures}
      rowKey=${(row) => `${row.venue} ${row.instrument}`} stale=${isStale} empty="No dated future." /><//>
    <div class="pair">
      <${Panel} title="Basis curve, ${book.underlying.value}" unit="% a year" env=${view.env}
        stale=${view.isStale(book.underlying.value) ? [book.underlying.value] : []}>
        <${Fresh} isStale=${view.isStale(book.underlying.value)}><${BasisCurve} futures=${data.futures}
          underlying=${book.underlying.value} /><//><//>
      <${Panel} title="Funding received" env=${view.env} stale=${[]}><${Table} name="funding-received" isSecond
        caption="funding received since open" columns=${RECEIVED} rows=${data.received_usd_since_open}
        rowKey=${(row) => row.asset} empty="No funding was paid or received yet." /><//>
    </div>`}
  </div>`;
}

export default { name: 'funding', title: 'Funding', letter: 'u', Component };
