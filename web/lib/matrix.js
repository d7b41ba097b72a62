/**
 * @file One measure by underlying and expiry, with net, limit and use. One measure at a time: more do not fit, and are
 * not read. On a phone the matrix is turned over, expiries down.
 */
import { html, useRef, useState } from './h.js';
import { book } from './store.js';
import { Amount, UseBar } from './panel.js';
import { useExport } from './exports.js';
import { useKeys } from './keys.js';
import { sum } from './decimal.js';
import { measure } from './measures.js';
import { short, full, percent } from './format.js';

const MONTHS = ['JAN', 'FEB', 'MAR', 'APR', 'MAY', 'JUN', 'JUL', 'AUG', 'SEP', 'OCT', 'NOV', 'DEC'];

/** @param {string} text as 28NOV26, or `perpetual`, or `-` @returns {number} for the order of columns */
export function expiryOrder(text) {
  const match = /^(\d\d?)([A-Z]{3})(\d\d)$/.exec(text);
  if (match) return Number(match[3]) * 400 + MONTHS.indexOf(match[2]) * 32 + Number(match[1]);
  return text === 'perpetual' ? 1e6 : 1e6 + 1;
}

/** @param {string} text @returns {string} the word of a column head */
export const expiryWord = (text) => (text === 'perpetual' ? 'perp' : text === '-' ? 'spot' : text);

/** Which column a group is in: its expiry, or what it is when it has none. */
function columnOf(expiry, kind) {
  if (expiryOrder(expiry) < 1e6) return expiry;
  return kind === 'perpetual' ? 'perpetual' : '-';
}

/**
 * @param {object[]} groups of the view exposure, by underlying, expiry and kind
 * @param {string} key of the measure
 * @param {boolean} inCoin
 */
function arranged(groups, key, inCoin) {
  const one = measure(key);
  const cells = new Map();
  const names = [];
  const expiries = [];
  for (const group of groups) {
    const [name, text, kind] = group.key;
    const expiry = columnOf(text, kind);
    if (!names.includes(name)) names.push(name);
    if (!expiries.includes(expiry)) expiries.push(expiry);
    const figure = (inCoin ? group.coins?.[one.coin] : group.usd[one.key]) ?? null;
    const cell = cells.get(`${name}|${expiry}`);
    const both = [cell?.text ?? null, figure].filter((each) => each !== null);
    cells.set(`${name}|${expiry}`, {
      text: both.length ? sum(both) : null,
      isStale: group.is_stale || (cell?.isStale ?? false),
      unvalued: group.unvalued + (cell?.unvalued ?? 0),
      // How to ask for what is behind it, in the server's words.
      filter: expiry === 'perpetual' ? { underlying: name, kind: 'perpetual' } : { underlying: name, expiry: text },
    });
  }
  const known = names.map((name) => {
    const own = expiries.map((expiry) => cells.get(`${name}|${expiry}`)).filter(Boolean);
    const texts = own.map((cell) => cell.text).filter((text) => text !== null);
    return {
      name,
      net: texts.length ? sum(texts) : null,
      isNone: texts.every((text) => Number(text) === 0),
      isStale: own.some((cell) => cell.isStale),
      unvalued: own.reduce((count, cell) => count + cell.unvalued, 0),
    };
  });
  const rows = known.filter((row) => !row.isNone);
  const used = expiries.filter((expiry) => rows.some((row) => cells.has(`${row.name}|${expiry}`)));
  used.sort((a, b) => expiryOrder(a) - expiryOrder(b));
  const largest = Math.max(0, ...[...cells.values()].map((cell) => Math.abs(Number(cell.text ?? 0))));
  return { cells, rows, expiries: used, largest, none: known.filter((row) => row.isNone).map((row) => row.name) };
}

function tint(text, largest) {
  const share = largest > 0 ? Math.abs(Number(text)) / largest : 0;
  if (share === 0) return '';
  return `background: rgba(var(--${text.startsWith('-') ? 'short'
    : 'long'}-rgb), ${(0.06 + 0.44 * Math.sqrt(share)).toFixed(2)})`;
}

function Figure({ cell, unit }) {
  if (!cell) return html`<span class="zero" title="nothing held">·</span>`;
  return html`<${Amount} text=${cell.text} unit=${unit} why="no coin figure" />${cell.unvalued > 0
    && html`<span class="warn" title="${cell.unvalued} without a value"> ▲<span class="sr">partial</span></span>`}`;
}

function Limit({ limit, isShort }) {
  if (!limit) return html`<td class="dim" title="no limit on this measure and group">no limit</td>`;
  const title = `warn ${full(limit.warn)}, hard ${full(limit.hard)}; figure ${full(limit.figure)}`;
  return html`<td class="use-cell ${limit.is_stale ? 'stale' : ''}" title=${title}><span class="use-line"><${UseBar}
    share=${limit.share} level=${limit.level} label=${`use of limit ${limit.limit}`}
      warn=${Number(limit.warn) / Number(limit.hard)} /> <span
        class="num">${percent(limit.share, 0)}</span>${!isShort
          && html` <span class="dim nowrap">of ±${short(limit.hard)}</span>`}</span></td>`;
}

/**
 * @param {object} props
 * @param {object} props.data of the view exposure grouped by underlying, expiry, kind
 * @param {(key: {underlying?: string, expiry?: string, kind?: string}) => void} [props.drill]
 * @param {{underlying?: string, expiry?: string, kind?: string}} [props.chosen]
 * @param {boolean} [props.isShort] beside other panels: the limit itself only on hover
 */
export function Matrix({ data, drill, chosen = {}, isShort }) {
  const key = book.greek.value;
  const inCoin = book.inCoin.value;
  const one = measure(key);
  const { cells, rows, expiries, largest, none } = arranged(data.groups, key, inCoin);
  const [place, setPlace] = useState(null);
  const box = useRef(null);
  const unit = inCoin ? `coin ${one.coinUnit}` : one.unit;
  const totals = inCoin ? null : expiries.map((expiry) => {
    const column = rows.map((row) => cells.get(`${row.name}|${expiry}`)).filter((cell) => cell && cell.text !== null);
    return column.length ? { text: sum(column.map((cell) => cell.text)), isStale: column.some((cell) => cell.isStale) } : null;
  });
  const isAnyStale = rows.some((row) => row.isStale);
  const whole = inCoin || !rows.length ? null : sum(rows.map((row) => row.net).filter((net) => net !== null));
  const limitOf = (name) => (inCoin ? null : data.limits.find((limit) => limit.measure === key && limit.group.length === 1
    && limit.group[0] === name));

  useExport(`exposure-${key}`, () => [
    ['underlying', `net (${unit})`, ...expiries.map(expiryWord)],
    ...rows.map((row) => [row.name, row.net, ...expiries.map((expiry) => cells.get(`${row.name}|${expiry}`)?.text ?? '0')]),
  ]);
  const step = (down, right) => () => {
    if (!rows.length) return;
    const next = place
      ? { row: Math.max(0, Math.min(rows.length - 1, place.row + down)), column: Math.max(0, Math.min(expiries.length - 1,
        place.column + right)) }
      : { row: 0, column: 0 };
    setPlace(next);
    document.getElementById(`cell-${next.row}-${next.column}`)?.focus();
  };
  useKeys(drill ? { j: step(1, 0), k: step(-1, 0), ArrowDown: step(1, 0), ArrowUp: step(-1, 0), ArrowRight: step(0, 1),
    ArrowLeft: step(0, -1) } : {}, box);

  if (!rows.length) return html`<p class="empty">No ${one.word} anywhere.</p>`;
  const button = (row, column, content) => (drill
    ? html`<button type="button" id="cell-${row}-${column}" tabindex=${place?.row === row && place?.column === column ? 0 : -1}
        onClick=${() => {
          setPlace({ row, column });
          drill(cells.get(`${rows[row].name}|${expiries[column]}`)?.filter ?? { underlying: rows[row].name });
        }}>${content}</button>` : content);
  const isChosen = (row, expiry) => {
    const filter = cells.get(`${row.name}|${expiry}`)?.filter;
    return filter !== undefined && chosen.underlying === row.name && chosen.expiry === filter.expiry
      && chosen.kind === filter.kind;
  };
  const head = (row) => (drill
    ? html`<button type="button" class="sort" onClick=${() => drill({ underlying: row.name })}>${row.name}</button>`
      : row.name);
  const note = none.length > 0 && html`<p class="note-text">none: ${none.join(', ')}</p>`;

  if (book.narrow.value) {
    return html`<div class="scroll" ref=${box}><table class="matrix"><caption
      class="sr">${one.word} by expiry and underlying, ${unit}</caption>
      <thead><tr><th scope="col">expiry</th>${rows.map((row) => html`<th scope="col" class="num"
        key=${row.name}>${head(row)}</th>`)}</tr></thead>
      <tbody>${expiries.map((expiry, column) => html`<tr key=${expiry}><th scope="row">${expiryWord(expiry)}</th>
        ${rows.map((row, index) => {
          const cell = cells.get(`${row.name}|${expiry}`);
          return html`<td key=${row.name} class="cell ${cell?.isStale ? 'stale' : ''}"
            style=${cell?.text && tint(cell.text, largest)}>${button(index, column,
              html`<${Figure} cell=${cell} unit=${unit} />`)}</td>`;
        })}</tr>`)}</tbody>
      <tfoot><tr><th scope="row">net</th>${rows.map((row) => html`<td class="num net ${row.isStale ? 'stale' : ''}"
        key=${row.name}><${Amount} text=${row.net} unit=${unit} /></td>`)}</tr>
        ${!inCoin && html`<tr><th scope="row">limit</th>${rows.map((row) => {
          const limit = limitOf(row.name);
          return html`<td class="num ${limit ? { warn: 'warn', hard: 'act' }[limit.level] ?? 'dim' : 'dim'}"
            key=${row.name}>${limit ? html`${percent(limit.share, 0)}<br />of ±${short(limit.hard)}` : 'none'}</td>`;
        })}</tr>`}</tfoot></table></div>${note}`;
  }
  return html`<div class="scroll" ref=${box}><table class="matrix"><caption
    class="sr">${one.word} by underlying and expiry, ${unit}</caption>
    <thead><tr><th scope="col">underlying</th><th scope="col"
      class="num">net</th>${!inCoin && html`<th scope="col">use of limit</th>`}
      ${expiries.map((expiry) => html`<th scope="col" class="num" key=${expiry}>${expiryWord(expiry)}</th>`)}</tr></thead>
    <tbody>${rows.map((row,
      index) => html`<tr key=${row.name}><th
        scope="row">${head(row)}${row.isStale && html` <span class="tag warn">stale</span>`}</th>
      <td class="num net ${row.isStale ? 'stale' : ''}"><${Amount} text=${row.net} unit=${unit} /></td>
      ${!inCoin && html`<${Limit} limit=${limitOf(row.name)} isShort=${isShort} />`}
      ${expiries.map((expiry, column) => {
        const cell = cells.get(`${row.name}|${expiry}`);
        return html`<td key=${expiry} class="cell ${cell?.isStale ? 'stale' : ''}" title=${cell?.isStale ? 'stale' : null}
          aria-current=${isChosen(row, expiry) ? 'true' : null}
          style=${cell?.text && tint(cell.text, largest)}>${button(index, column,
            html`<${Figure} cell=${cell} unit=${unit} />`)}</td>`;
      })}</tr>`)}</tbody>
    ${totals && rows.length > 1 && html`<tfoot><tr><th scope="row">all</th>
      <td class="num ${isAnyStale ? 'stale' : ''}" title=${isAnyStale ? 'stale: a part is' : null}><${Amount} text=${whole}
        unit=${unit} /></td><td></td>
      ${totals.map((total,
        column) => html`<td class="num ${total?.isStale ? 'stale' : ''}" title=${total?.isStale ? 'stale: a part is' : null}
          key=${column}>${total === null ? html`<span class="zero">·</span>`
            : html`<${Amount} text=${total.text} unit=${unit} />`}</td>`)}</tr></tfoot>`}
  </table></div>${note}`;
}
