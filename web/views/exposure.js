/** @file What the book is exposed to: one measure by underlying and expiry, what is behind a cell, and every limit. */
import { html, useState, useEffect } from '../lib/h.js';
import { useView, book, go } from '../lib/store.js';
import { Panel, Table, Amount, Choice, UseBar, NA } from '../lib/panel.js';
import { Matrix } from '../lib/matrix.js';
import { MEASURES, measure } from '../lib/measures.js';
import { usePositions, isPart } from '../lib/positions.js';
import { percent, price } from '../lib/format.js';

/** What can be seen behind a figure: the positions themselves, or sums by columns, where the server has them. */
const POSITIONS = 'positions';
const GROUPINGS = [
  [POSITIONS, 'positions'],
  ['venue', 'venue'],
  ['account,venue', 'account'],
  ['chain', 'chain'],
  ['underlying,kind', 'kind'],
  ['underlying,expiry', 'expiry'],
];
const TABLE_MEASURES = MEASURES.filter((one) => one.key !== 'vega_30d_usd_per_point');

const LIMITS = [
  { key: 'limit', title: 'limit', head: true, value: (row) => row.limit },
  { key: 'group', title: 'of', value: (row) => row.group.join(' ') || 'book' },
  { key: 'measure', title: 'measure', hide: 'narrow', value: (row) => row.measure, cell: (row) => measureWords(row.measure),
    hover: (row) => measureRule(row.measure) },
  { key: 'figure', title: 'figure', num: true, value: (row) => row.figure,
    cell: (row) => html`<${Amount} text=${row.figure} why="a part has no value" />` },
  { key: 'warn', title: 'warn', num: true, hide: 'narrow', value: (row) => row.warn, cell: (row) => (row.warn === null
    ? html`<${NA} why="no warn level" />` : html`<${Amount} text=${row.warn} plain />`) },
  { key: 'hard', title: 'hard', num: true, value: (row) => row.hard, cell: (row) => (row.hard === null
    ? html`<${NA} why="no hard level" />` : html`<${Amount} text=${row.hard} plain />`) },
  { key: 'share', title: 'use', unit: '% of hard', num: true, value: (row) => row.share, cell: (row) => percent(row.share) },
  { key: 'bar', title: html`<span class="sr">use, drawn</span>`, isDrawn: true, value: (row) => row.level,
    cell: (row) => html`<${UseBar} share=${row.share} level=${row.level} label=${`${row.limit} ${row.group.join(' ')}`}
      warn=${row.warn && row.hard ? Number(row.warn) / Number(row.hard) : null} />` },
  { key: 'level', title: 'level', value: (row) => row.level,
    cell: (row) => html`<span
      class=${{ warn: 'warn', hard: 'act' }[row.level] ?? 'ok'}>${row.level}</span>${row.unvalued > 0
        ? html` <span class="tag warn" title="${row.unvalued} without a value">▲ partial</span>` : ''}` },
];

function measureWords(key) {
  const one = MEASURES.find((each) => each.key === key);
  return one ? html`${one.word} <span class="unit">${one.unit}</span>` : key;
}
const measureRule = (key) => MEASURES.find((each) => each.key === key)?.rule ?? key;

/** All limits, the most used first. @param {{rows: object[]}} props */
export function Limits({ rows }) {
  return html`<${Table} name="limits" caption="limits" columns=${LIMITS} rows=${rows}
    rowKey=${(row) => `${row.limit}|${row.group.join('|')}`}
    sort=${{ key: 'share', descending: true }} stale=${(row) => row.is_stale} empty="The policy has no limits." />`;
}

function groupColumns(groupBy) {
  return groupBy.map((name, index) => ({
    key: name, title: name, head: index === 0, value: (row) => row.key[index],
  }));
}

function figureColumns(inCoin) {
  return TABLE_MEASURES.map((one) => ({
    key: inCoin ? one.coin : one.key, title: one.sign, unit: inCoin ? `coin ${one.coinUnit}` : one.unit, num: true,
    hide: ['delta_cash_usd', 'gamma_cash_1pct_usd', 'vega_usd_per_point'].includes(one.key) ? undefined : 'narrow',
    value: (row) => (inCoin ? row.coins?.[one.coin] ?? null : row.usd[one.key]),
    cell: (row) => html`<${Amount} text=${inCoin ? row.coins?.[one.coin] ?? null : row.usd[one.key]}
      why="no coin figure over several underlyings" />`,
  }));
}

/** The words of groups without an expiry. */
const isNoExpiry = (text) => text === 'none' || text === '-';

/** @param {object} row a position @param {Record<string, string>} filter as groups are written */
function isBehind(row, filter) {
  return Object.entries(filter).every(([key, value]) => {
    if (key !== 'expiry') return row[key] === value;
    return isNoExpiry(value) ? row.expiry === null && row.kind !== 'perpetual' : row.expiry_text === value;
  });
}

/** What has no expiry and is no perpetual. */
const TIMELESS = 'spot,balance,gain';

/** The filter in the words of the server, which sets apart perpetuals from what else has no expiry by their kind. */
function asked({ expiry, ...rest }) {
  if (!expiry) return rest;
  return isNoExpiry(expiry) ? { kind: TIMELESS, ...rest, expiry: 'none' } : { ...rest, expiry };
}

function PositionsBehind({ filter }) {
  const view = usePositions(asked(filter));
  const rows = (view.data?.rows ?? []).filter((row) => isBehind(row, filter));
  if (view.error) return html`<p class="trouble" role="alert">${view.error.message}</p>`;
  return view.data ? html`${isPart(view.data) && html`<p class="note-text">The first ${view.data.rows.length} of${' '}
    ${view.data.rows_total} positions: choose a figure to see fewer, or group them.</p>`}<${Table} name="positions-behind" caption="positions behind the figure"
    columns=${[...POSITION_COLUMNS, ...figureColumns(book.inCoin.value)]} rows=${rows}
    rowKey=${(row) => [row.account, row.venue, row.chain, row.instrument].join('|')} stale=${(row) => row.is_stale}
      open=${(row) => go('positions', { find: row.instrument })} empty=${isPart(view.data) ? 'Not among the first.'
        : 'Nothing held.'} />`
    : html`<p class="reading">reading…</p>`;
}

const POSITION_COLUMNS = [
  { key: 'instrument', title: 'instrument', head: true, value: (row) => row.instrument },
  { key: 'place', title: 'place', hide: 'narrow', value: (row) => `${row.account}@${row.venue}` },
  { key: 'quantity', title: 'quantity', unit: 'as listed', num: true, value: (row) => row.quantity,
    cell: (row) => html`<${Amount} text=${row.quantity} />` },
];

function Behind({ filter, groupBy, onGroup, has }) {
  const isPositions = groupBy === POSITIONS;
  const view = useView('exposure', { ...filter, group_by: isPositions ? 'underlying' : groupBy });
  const inCoin = book.inCoin.value;
  const words = Object.values(filter).map((value) => (isNoExpiry(value) ? 'without expiry' : value)).join(' ')
    || 'the whole book';
  const options = GROUPINGS.filter(([by]) => by === POSITIONS || by.split(',').every((column) => has.includes(column)));
  const columns = groupBy.split(',');
  return html`<${Panel} title=${`Behind ${words}`} unit=${inCoin ? 'coin' : 'USD'} ...${view}
      actions=${html`<${Choice} label="group by" options=${options} value=${groupBy} onChange=${onGroup} />`}>
    ${isPositions ? html`<${PositionsBehind} filter=${filter} />` : view.data
      && html`<${Table} name=${`exposure-by-${columns.join('-')}`} caption=${`exposure of ${words} by ${columns.join(' and ')}`}
      columns=${[...groupColumns(columns), { key: 'rows', title: 'rows', num: true, hide: 'narrow', value: (row) => row.rows,
        cell: (row) => html`${row.rows}${row.unvalued > 0
          ? html` <span class="warn" title="${row.unvalued} without a value">▲ ${row.unvalued}</span>` : ''}` },
            ...figureColumns(inCoin)]}
      rows=${view.data.groups} rowKey=${(row) => row.key.join('|')} stale=${(row) => row.is_stale}
      foot=${inCoin ? [] : [{ ...view.data.total, key: ['total', ...columns.slice(1).map(() => '')],
        rows: view.data.total.rows }]} empty="Nothing held." />`}
  <//>`;
}

function Exposure({ params }) {
  const view = useView('exposure', { group_by: 'underlying,expiry,kind' });
  const one = measure(book.greek.value);
  const inCoin = book.inCoin.value;
  const filter = Object.fromEntries(['underlying', 'expiry', 'kind', 'venue',
    'account'].filter((key) => params[key]).map((key) => [key, params[key]]));
  const [groupBy, setGroupBy] = useState(params.group_by ?? POSITIONS);
  useEffect(() => { if (params.group_by) setGroupBy(params.group_by); }, [params.group_by]);
  const spots = Object.entries(view.data?.spot_usd ?? {}).filter(([, spot]) => spot !== null).map(([name,
    spot]) => `${name} ${price(spot)}`).join(', ');
  return html`<${Panel} title="Exposure" unit=${`${one.word}, ${inCoin ? `coin ${one.coinUnit}` : one.unit}`} ...${view}
    note=${spots}>
    <div class="filters"><${Choice} label="measure" value=${one.key} onChange=${(key) => { book.greek.value = key; }}
        options=${MEASURES.map((each) => [each.key, each.word, `${each.rule}${each.letter ? `; key ${each.letter}` : ''}`])} />
      <${Choice} label="in" value=${inCoin} onChange=${(value) => { book.inCoin.value = value; }}
        options=${[[false, 'USD'], [true, 'coin']]} /></div>
    ${view.data && html`<${Matrix} data=${view.data} chosen=${filter} drill=${(key) => go('exposure', key)} /><p
      class="note-text">${one.word}: ${one.rule}. Choose a figure to see what is behind it.</p>`}
  <//>
  <${Behind} filter=${filter} groupBy=${groupBy} onGroup=${setGroupBy} has=${view.data?.columns ?? []} />
  ${Object.keys(filter).length > 0
    && html`<p><button type="button" class="chip" onClick=${() => go('exposure')}>show the whole book</button></p>`}
  <${Panel} title="Limits" note="figure against its hard level; the tick is the warn level"
    ...${view}>${view.data && html`<${Limits} rows=${view.data.limits} />`}<//>`;
}

export default { name: 'exposure', title: 'Exposure', letter: 'e', Component: Exposure };
