/** @file Feeds: whether what the figures rest on is there, fresh and agreed with the venues. */
import { html } from '../lib/h.js';
import { useView } from '../lib/store.js';
import { Panel, Table, NA } from '../lib/panel.js';
import { span, fixed } from '../lib/format.js';

const LINKS = { up: ['ok', '● up'], down: ['act', '✕ down'], unknown: ['', '○ unknown'] };
const age = (key, title, why) => ({
  key, title, num: true, value: (row) => row[key], cell: (row) => (row[key] === null ? html`<${NA} why=${why} />` : span(row[key])),
});

const VENUES = [
  { key: 'venue', title: 'venue', value: (row) => row.venue, head: true },
  { key: 'link', title: 'link', value: (row) => row.link, cell: (row) => html`<span
    class="tag ${LINKS[row.link]?.[0] ?? ''}">${LINKS[row.link]?.[1] ?? row.link}</span>` },
  { key: 'quotes', title: 'quotes', unit: 'instruments', num: true, value: (row) => row.quotes },
  age('age_seconds', 'newest', 'nothing has come'),
  age('oldest_age_seconds', 'oldest', 'nothing has come'),
  { key: 'refused_rows', title: 'refused', unit: 'rows', num: true, value: (row) => row.refused_rows,
    cell: (row) => (row.refused_rows === null ? html`<${NA} why="not counted" />` : row.refused_rows
    ? html`<span class="warn">▲ ${row.refused_rows}</span>` : '·') },
];
const UNDERLYINGS = [
  { key: 'underlying', title: 'underlying', value: (row) => row.underlying, head: true },
  age('age_seconds', 'age', 'no quote'),
  { key: 'is_stale', title: 'quote', value: (row) => (row.is_stale ? 'stale' : 'fresh'), cell: (row) => (row.is_stale
    ? html`<span class="tag warn">◷ stale</span>` : html`<span class="ok">●</span> fresh`) },
  { key: 'held', title: 'in the book', value: (row) => (row.held ? 'held' : 'not held') },
];
const UNUSED = [
  { key: 'reason', title: 'reason', value: (row) => row.reason, head: true },
  { key: 'rows', title: 'rows', num: true, value: (row) => row.rows },
];
const UNVALUED = [
  { key: 'item', title: 'held', value: (row) => row.item, head: true },
  { key: 'why', title: 'why it has no value', value: (row) => row.why },
];

/** The worst thing first; "all is well" only if it is. */
function verdictOf(data) {
  const troubles = [
    ...data.venues.filter((row) => row.link === 'down').map((row) => `${row.venue} is down`),
    ...data.underlyings.filter((row) => row.is_stale && row.held).map((row) => `${row.underlying} is stale`),
    ...data.unreconciled.map((place) => `${place} is not reconciled`),
    ...(data.unvalued.length ? [`${data.unvalued.length} held without a value`] : []),
  ];
  return troubles;
}

function Component() {
  const view = useView('feeds');
  const { data } = view;
  const troubles = data ? verdictOf(data) : [];
  const unused = Object.entries(data?.not_used ?? {}).map(([reason, rows]) => ({ reason, rows })).sort((a, b) => b.rows - a.rows);
  return html`<div class="view">
    <${Panel} title="Feeds" env=${view.env} error=${view.error} loading=${view.loading}>
      ${data && html`<p>${troubles.length ? html`<b class="warn">▲ ${troubles.join('; ')}</b>`
          : html`<b class="ok">✓ every link is up, every held underlying is fresh, every place is reconciled</b>`}</p>
      <dl class="facts">
        <div><dt>journal records</dt><dd>${data.records}</dd></div>
        <div><dt>records a second</dt><dd>${data.records_per_second === null
          ? html`<${NA} why="not live" />` : fixed(data.records_per_second, 1)}</dd></div>
        <div><dt>head of the last commit</dt><dd><code>${data.commit?.head ?? html`<${NA} why="nothing is committed" />`}</code></dd></div>
      </dl>`}
    <//>
    ${data && html`<div class="pair">
      <${Panel} title="Venues" env=${view.env} stale=${[]}><${Table} name="feeds-venues" caption="links to venues" columns=${VENUES}
        rows=${data.venues} rowKey=${(row) => row.venue} rowClass=${(row) => (row.link === 'down' ? 'bad' : '')} empty="No venue." /><//>
      <${Panel} title="Underlyings" env=${view.env}><${Table} name="feeds-underlyings" isSecond caption="age of underlyings"
        columns=${UNDERLYINGS} rows=${data.underlyings} rowKey=${(row) => row.underlying} empty="No underlying." /><//>
      <${Panel} title="Not reconciled" env=${view.env} stale=${[]}>${data.unreconciled.length
        ? html`<ul>${data.unreconciled.map((place) => html`<li key=${place}><span class="warn">▲</span> ${place}</li>`)}</ul>`
        : html`<p class="empty">Every place agrees with its venue.</p>`}<//>
      <${Panel} title="Held without a value" env=${view.env} stale=${[]}><${Table} name="feeds-unvalued" isSecond
        caption="held without a value" columns=${UNVALUED} rows=${data.unvalued} rowKey=${(row) => row.item}
        empty="Everything held has a value." /><//>
      <${Panel} title="Sound rows that are no quotes here" env=${view.env} stale=${[]}><${Table} name="feeds-not-used" isSecond
        caption="rows not used, by reason" columns=${UNUSED} rows=${unused} rowKey=${(row) => row.reason} empty="Every row was used." /><//>
    </div>`}
  </div>`;
}

export default { name: 'feeds', title: 'Feeds', letter: 'd', Component };
