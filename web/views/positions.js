/** @file Every position and balance as a tree (underlying, expiry, contract, venue) with sums, and where venues disagree. */
import { html, useMemo, useState, useEffect } from '../lib/h.js';
import { useView, book } from '../lib/store.js';
import { useKeys } from '../lib/keys.js';
import { Panel, Table, Amount, Choice, NA, useExport } from '../lib/panel.js';
import { MEASURES } from '../lib/measures.js';
import { sum } from '../lib/decimal.js';
import { usePositions, isPart, MOST_ROWS, MOST_UNFOLDED_ROWS } from '../lib/positions.js';
import { expiryOrder } from '../lib/matrix.js';
import { short, full, price, span } from '../lib/format.js';

const SHOWN = ['value_usd', 'delta_cash_usd', 'gamma_cash_1pct_usd', 'vega_usd_per_point', 'theta_usd_per_day']
  .map((key) => MEASURES.find((one) => one.key === key));
/** A larger book opens folded to expiries: nobody reads, and no browser draws, thousands of lines ten times a second. */
const MOST_UNFOLDED = 150;
/** Rows of one expiry that are unfolded with sums by contract. */
const NARROW = ['delta_cash_usd', 'value_usd'];

/** What the levels of the tree are called, and how a row names its place on each. */
const LEVELS = [(row) => row.underlying, (row) => row.expiry_text, (row) => row.contract];

const keyOf = (row) => [row.account, row.venue, row.chain, row.instrument].join('|');

/** @param {object[]} rows @returns {Record<string, string>} exact sums of the shown measures */
const sums = (rows) => Object.fromEntries(SHOWN.map((one) => [one.key, sum(rows.map((row) => row.usd[one.key]))]));

/**
 * @param {object[]} rows @param {number} level @param {string} path
 * @returns {{path: string, depth: number, name: string, rows: object[], usd: object, children: object[]}[]}
 */
function grouped(rows, level = 0, path = '') {
  const groups = new Map();
  for (const row of rows) {
    const name = LEVELS[level](row) ?? '-';
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(row);
  }
  const order = level === 1 ? ([a], [b]) => expiryOrder(a) - expiryOrder(b) : ([a], [b]) => a.localeCompare(b, 'en',
    { numeric: true });
  return [...groups].sort(order).map(([name, own]) => {
    const here = `${path}/${name}`;
    return { path: here, depth: level, name, rows: own, usd: sums(own), children: level + 1 < LEVELS.length ? grouped(own,
      level + 1, here) : own };
  });
}

/** @returns {string[]} the paths of all nodes at this depth and below */
function foldedFrom(nodes, depth) {
  return nodes.flatMap((node) => [
    ...(node.depth >= depth ? [node.path] : []),
    ...(node.depth + 1 < LEVELS.length ? foldedFrom(node.children, depth) : []),
  ]);
}

function Measures({ usd }) {
  return SHOWN.map((one) => html`<td class="num ${NARROW.includes(one.key) ? '' : 'wide-only'}" key=${one.key}><${Amount}
    text=${usd[one.key]} unit=${one.unit} /></td>`);
}

function Mark({ row }) {
  if (row.mark_price === null) return html`<${NA} why="no mark" />`;
  return html`<span title="${row.mark_price} ${row.mark_currency}; forward ${row.sources.forward ?? 'none'}, vol ${row.sources.vol ?? 'none'}">${price(row.mark_price)} <span class="unit">${row.mark_currency}</span></span>`;
}

function Leaf({ row, hasShares }) {
  return html`<tr class="depth-3 ${row.is_stale ? 'stale' : ''}" title=${row.is_stale ? 'stale: no fresh quote' : null}
    data-row=${keyOf(row)}>
    <th scope="row">${row.account}@${row.venue}${row.chain !== 'offchain' ? `/${row.chain}` : ''} <span
      class="dim">${row.instrument}</span></th>
    <td class="num" title=${full(row.quantity)}><${Amount} text=${row.quantity} /></td>
    <td class="num wide-only">${row.average_price === null ? html`<${NA} why="a part came without a price" />`
      : price(row.average_price)}</td>
    <td class="num"><${Mark} row=${row} /></td>
    <td class="num wide-only">${row.quote_age_seconds === null ? html`<${NA} why="never quoted" />`
      : span(row.quote_age_seconds)}</td>
    ${hasShares && html`<td class="num wide-only"><${Amount} text=${row.margin_share_usd} unit="USD" plain
      why="not attributed to single positions by this rulebook" /></td>`}
    <${Measures} usd=${row.usd} /></tr>`;
}

function Head({ hasShares }) {
  return html`<thead><tr><th scope="col">underlying, expiry, contract, place</th><th scope="col" class="num">quantity<span
      class="unit">as listed</span></th><th scope="col" class="num wide-only">average<span class="unit">as listed</span></th>
      <th scope="col" class="num">mark</th><th scope="col"
        class="num wide-only">age</th>${hasShares
          && html`<th scope="col" class="num wide-only">margin share<span class="unit">USD</span></th>`}
      ${SHOWN.map((one) => html`<th scope="col" class="num ${NARROW.includes(one.key) ? '' : 'wide-only'}" key=${one.key}
        title=${one.rule}>${one.sign}<span class="unit">${one.unit}</span></th>`)}</tr></thead>`;
}

function Branch({ node, folded, fold, wanted, hasShares }) {
  const isFolded = folded.has(node.path) && !wanted;
  const isSingle = node.depth === 2 && node.rows.length === 1;
  if (isSingle) return html`<${Leaf} row=${node.rows[0]} hasShares=${hasShares} />`;
  const isStale = node.rows.some((row) => row.is_stale);
  return html`<tr class="depth-${node.depth} ${isStale ? 'stale' : ''}"><th scope="row"><button type="button"
    aria-expanded=${isFolded ? 'false' : 'true'} onClick=${() => fold(node.path)}>
      <span class="fold" aria-hidden="true">${isFolded ? '▸' : '▾'}</span>${node.name === '-' ? 'spot and balances'
        : node.name}</button>
      ${isFolded && html` <span class="dim">${node.rows.length}</span>`}${isStale
        && html` <span class="tag warn">stale</span>`}</th>
    <td></td><td class="wide-only"></td><td></td><td class="wide-only">
      </td>${hasShares && html`<td class="wide-only"></td>`}<${Measures} usd=${node.usd} /></tr>
    ${!isFolded && node.children.map((child) => (node.depth + 1 < LEVELS.length
      ? html`<${Branch} key=${child.path} node=${child} folded=${folded} fold=${fold} wanted=${wanted}
        hasShares=${hasShares} />` : html`<${Leaf} key=${keyOf(child)} row=${child} hasShares=${hasShares} />`))}`;
}

/** Underlyings and expiries with their sums, as the server has them; of a large book nobody sends every row. */
function summed(groups) {
  const nodes = new Map();
  const add = (path, depth, name, group, filter) => {
    const node = nodes.get(path) ?? { path, depth, name, groups: [], filter };
    node.groups.push(group);
    nodes.set(path, node);
  };
  for (const group of groups) {
    const [underlying, expiry, kind] = group.key;
    const name = expiryOrder(expiry) < 1e6 ? expiry : kind === 'perpetual' ? 'perpetual' : '-';
    add(`/${underlying}`, 0, underlying, group);
    const filter = { underlying, ...(name === expiry ? { expiry } : name === 'perpetual' ? { kind } : { expiry: 'none', kind: 'spot,balance,gain' }) };
    add(`/${underlying}/${name}`, 1, name, group, filter);
  }
  const order = (a, b) => (a.depth === 1 ? expiryOrder(a.name) - expiryOrder(b.name) : a.name.localeCompare(b.name, 'en',
    { numeric: true }));
  const all = [...nodes.values()].map((node) => ({
    ...node,
    count: node.groups.reduce((count, group) => count + group.rows, 0),
    isStale: node.groups.some((group) => group.is_stale),
    usd: Object.fromEntries(SHOWN.map((one) => [one.key, sum(node.groups.map((group) => group.usd[one.key]))])),
  }));
  return all.filter((node) => node.depth === 0).sort(order).map((node) => ({
    ...node, children: all.filter((child) => child.depth === 1 && child.path.startsWith(`${node.path}/`)).sort(order),
  }));
}

/** The rows of one expiry, asked for while it is unfolded. */
function Unfolded({ node, opened, fold }) {
  const { data, error } = usePositions({ ...node.filter, limit: MOST_UNFOLDED_ROWS });
  const rows = (data?.rows ?? []).filter((row) => (row.expiry_text ?? '-') === node.name);
  const tree = useMemo(() => grouped(rows, 2, node.path), [data]);
  const columns = SHOWN.length + 5;
  if (error) return html`<tr><td colspan=${columns} class="trouble">${error.message}</td></tr>`;
  if (!data) return html`<tr><td colspan=${columns} class="dim">reading…</td></tr>`;
  if (isPart(data)) {
    return html`<tr><td colspan=${columns} class="note-text">the first ${MOST_ROWS} of ${data.rows_total} rows, without sums by
      contract: find narrows them</td></tr>${rows.slice(0, MOST_ROWS).map((row) => html`<${Leaf} key=${keyOf(row)} row=${row} />`)}`;
  }
  // A contract is folded until it is opened: the set holds what differs from that.
  const folded = new Set(tree.map((child) => child.path).filter((path) => !opened.has(path)));
  return tree.map((child) => html`<${Branch} key=${child.path} node=${child} folded=${folded} fold=${fold} />`);
}

/** Down or up in the tree on screen. */
const step = (by) => () => {
  const buttons = [...document.querySelectorAll('.tree tbody button')];
  const at = buttons.indexOf(document.activeElement);
  buttons[Math.max(0, Math.min(buttons.length - 1, at < 0 ? 0 : at + by))]?.focus();
};

function LargeTree() {
  const view = useView('exposure', { group_by: 'underlying,expiry,kind' });
  const nodes = useMemo(() => summed(view.data?.groups ?? []), [view.data]);
  // Underlyings are unfolded until they are folded, all below is folded until it is opened.
  const [changed, setChanged] = useState(() => new Set());
  const fold = (path) => setChanged((before) => {
    const after = new Set(before);
    if (!after.delete(path)) after.add(path);
    return after;
  });
  useKeys({ j: step(1), k: step(-1) });
  useExport('positions-sums', () => [['underlying', 'expiry', 'rows', ...SHOWN.map((one) => one.key)],
    ...nodes.flatMap((node) => node.children.map((child) => [node.name, child.name, child.count,
      ...SHOWN.map((one) => child.usd[one.key])]))]);
  if (!view.data) return html`<p class="reading">reading…</p>`;
  const line = (node, isOpen) => html`<tr key=${node.path} class="depth-${node.depth} ${node.isStale ? 'stale' : ''}"><th scope="row">
    <button type="button" aria-expanded=${isOpen ? 'true' : 'false'} onClick=${() => fold(node.path)}><span class="fold"
      aria-hidden="true">${isOpen ? '▾' : '▸'}</span>${node.name === '-' ? 'spot and balances' : node.name}</button>
      ${' '}<span class="dim">${node.count}</span></th><td></td><td class="wide-only"></td><td></td><td class="wide-only"></td>
      <${Measures} usd=${node.usd} /></tr>`;
  return html`<div class="scroll"><table class="tree"><caption class="sr">positions by underlying, expiry, contract and venue</caption>
    <${Head} />
    <tbody>${nodes.map((node) => html`${line(node, !changed.has(node.path))}${!changed.has(node.path)
      && node.children.map((child) => html`${line(child, changed.has(child.path))}${changed.has(child.path)
        && html`<${Unfolded} key=${`${child.path}/`} node=${child} opened=${changed} fold=${fold} />`}`)}`)}</tbody>
    <tfoot><tr><th scope="row">all</th><td></td><td class="wide-only"></td><td></td><td class="wide-only"></td><${Measures}
      usd=${view.data.total.usd} /></tr></tfoot></table></div>`;
}

function exportRows(rows) {
  const head = ['account', 'venue', 'chain', 'instrument', 'contract', 'kind', 'underlying', 'expiry', 'strike', 'option',
    'quantity', 'average_price', 'mark_price', 'mark_currency', 'quote_age_seconds', 'is_stale', 'margin_share_usd'];
  return [[...head, ...MEASURES.map((one) => one.key), ...MEASURES.map((one) => one.coin)],
    ...rows.map((row) => [...head.map((key) => row[key]), ...MEASURES.map((one) => row.usd[one.key]),
      ...MEASURES.map((one) => row.coins?.[one.coin])])];
}

function Tree({ rows, wanted }) {
  const tree = useMemo(() => grouped(rows), [rows]);
  const [folded, setFolded] = useState(() => new Set(rows.length > MOST_UNFOLDED ? foldedFrom(tree, 1) : []));
  const hasShares = rows.some((row) => row.margin_share_usd);
  useExport('positions', () => exportRows(rows));
  const fold = (path) => setFolded((before) => {
    const after = new Set(before);
    if (!after.delete(path)) after.add(path);
    return after;
  });
  const foldAll = (depth) => setFolded(new Set(foldedFrom(tree, depth)));
  useKeys({ j: step(1), k: step(-1) });
  return html`<div class="filters"><span class="label">unfold to</span><${Choice} label="unfold to" value=${null}
    onChange=${foldAll} options=${[[0, 'underlying'], [1, 'expiry'], [2, 'contract'], [3, 'all']]} /></div>
    <div class="scroll"><table class="tree"><caption class="sr">positions by underlying, expiry, contract and venue</caption>
    <${Head} hasShares=${hasShares} />
    <tbody>${tree.map((node) => html`<${Branch} key=${node.path} node=${node} folded=${folded} fold=${fold} wanted=${wanted}
      hasShares=${hasShares} />`)}</tbody>
    <tfoot><tr><th scope="row">${wanted ? 'of these' : 'all'}</th><td></td><td class="wide-only"></td><td></td><td
      class="wide-only"></td>${hasShares && html`<td class="wide-only"></td>`}<${Measures} usd=${sums(rows)} /></tr></tfoot>
        </table></div>`;
}

function flatColumns() {
  return [
    { key: 'instrument', title: 'instrument', head: true, value: (row) => row.instrument },
    { key: 'place', title: 'place', value: (row) => `${row.account}@${row.venue}` },
    { key: 'quantity', title: 'quantity', unit: 'as listed', num: true, value: (row) => row.quantity,
      cell: (row) => html`<${Amount} text=${row.quantity} />` },
    { key: 'average_price', title: 'average', num: true, hide: 'narrow', value: (row) => row.average_price,
      cell: (row) => (row.average_price === null ? html`<${NA} why="a part came without a price" />`
        : price(row.average_price)) },
    { key: 'mark_price', title: 'mark', num: true, value: (row) => row.mark_price,
      cell: (row) => html`<${Mark} row=${row} />` },
    { key: 'quote_age_seconds', title: 'age', unit: 's', num: true, hide: 'narrow', value: (row) => row.quote_age_seconds,
      cell: (row) => span(row.quote_age_seconds) },
    ...SHOWN.map((one) => ({ key: one.key, title: one.sign, unit: one.unit, num: true, hide: NARROW.includes(one.key)
      ? undefined : 'narrow', value: (row) => row.usd[one.key],
        cell: (row) => html`<${Amount} text=${row.usd[one.key]} unit=${one.unit} />` })),
  ];
}

const FLAT = flatColumns();

const BREAKS = [
  { key: 'instrument', title: 'instrument', head: true, value: (row) => row.instrument },
  { key: 'venue', title: 'venue', value: (row) => row.venue },
  { key: 'figure', title: 'figure', value: (row) => row.figure },
  { key: 'own', title: 'own', num: true, value: (row) => row.own, cell: (row) => short(row.own),
    hover: (row) => full(row.own) },
  { key: 'venue_says', title: 'venue says', num: true, value: (row) => row.venue_says, cell: (row) => short(row.venue_says),
    hover: (row) => full(row.venue_says) },
  { key: 'difference', title: 'difference', num: true, value: (row) => row.difference,
    cell: (row) => html`<span class="warn">▲ ${short(row.difference)}</span>`, hover: (row) => full(row.difference) },
  { key: 'tolerance', title: 'tolerance', num: true, value: (row) => row.tolerance, cell: (row) => short(row.tolerance),
    hover: (row) => full(row.tolerance) },
];

function Positions({ params }) {
  // Of a large book no row is followed for its own sake: the tree asks for sums, and for rows where it is unfolded.
  const [isLarge, setLarge] = useState(false);
  const view = usePositions(isLarge ? { limit: 0 } : {});
  const { data } = view;
  useEffect(() => { if (data) setLarge(data.rows_total > MOST_ROWS); }, [data?.rows_total]);
  const [wanted, setWanted] = useState(params.find ?? '');
  const [isTree, setTree] = useState(true);
  useEffect(() => { if (params.find !== undefined) setWanted(params.find); }, [params.find]);
  const words = wanted.trim().toUpperCase().split(/\s+/).filter(Boolean);
  const isSummed = isLarge && isTree && words.length === 0;
  const found = usePositions(isSummed ? { limit: 0 } : isLarge ? { find: wanted.trim() } : {}).data;
  const rows = useMemo(() => (found?.rows ?? []).filter((row) => {
    const text = [row.instrument, row.venue, row.account, row.kind, row.underlying, row.expiry_text].join(' ').toUpperCase();
    return words.every((word) => text.includes(word));
  }), [found, wanted]);
  const isCut = !isSummed && isPart(found);
  return html`<${Panel} title="Positions" note=${data && `${data.rows_total} held, ${data.unvalued.length} without a value`}
    ...${view}
      actions=${html`<label class="field">find <input type="search" size="18" value=${wanted}
        onInput=${(event) => setWanted(event.currentTarget.value)} /></label>
        <${Choice} label="shown as" value=${isTree} onChange=${setTree} options=${[[true, 'tree'], [false, 'list']]} />`}>
    ${isCut && html`<p class="note-text">the first ${found.rows.length} of ${found.rows_total}: more words find fewer</p>`}
    ${data && (isSummed ? html`<${LargeTree} />` : !found ? html`<p class="reading">reading…</p>` : rows.length === 0
      ? html`<p class="empty">${data.rows_total ? `Nothing held has “${wanted}” in its name.` : 'Nothing held.'}</p>`
      : isTree && !isCut ? html`<${Tree} rows=${rows} wanted=${wanted} />`
      : html`<${Table} name=${isCut ? `positions-first-${found.rows.length}-of-${found.rows_total}` : 'positions'}
        caption="positions" columns=${FLAT} rows=${rows} rowKey=${keyOf}
        stale=${(row) => row.is_stale} sort=${{ key: 'delta_cash_usd', descending: true }}
          select=${(row) => { if (row.strike !== null
            || row.kind === 'perpetual') book.underlying.value = row.underlying; }} />`)}
  <//>
  ${data && data.unvalued.length > 0
    && html`<${Panel} title="Without a value" note="in no total: every total is partial" ...${view}>
      <ul>${data.unvalued.map((one) => html`<li key=${one.item}><span class="warn">▲</span> <b>${one.item}</b> <span
        class="dim">${one.why}</span></li>`)}</ul><//>`}
  <${Panel} title="Own figures against the venues’"
    note=${data && `${data.quotes_compared} quotes compared, ${data.breaks.length} breaks, ${data.quotes_without_figures} quotes without figures`} ...${view}>
    ${data && html`<${Table} name="breaks" caption="breaks" columns=${BREAKS} rows=${data.breaks}
      rowKey=${(row) => `${row.venue}|${row.instrument}|${row.figure}`}
        empty="No break: own figures are within tolerance of what the venues publish." />`}<//>`;
}

export default { name: 'positions', title: 'Positions', letter: 'p', Component: Positions };
