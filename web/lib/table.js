/** @file Tables: sorted by a click on a header, walked by j and k, saved by e. */
import { html, useMemo, useRef, useState } from './h.js';
import { useKeys, takeTheKeys } from './keys.js';
import { useExport, preferExport } from './exports.js';
import { compare, isDecimal } from './decimal.js';
import { book } from './store.js';

/**
 * @typedef {object} Column
 * @property {string} key
 * @property {any} title
 * @property {string} [unit] shown below the title
 * @property {boolean} [num] figures: right-aligned
 * @property {(row: any) => any} value raw, for sorting and export
 * @property {(row: any) => any} [cell] what is shown; the value by default
 * @property {(row: any) => string} [hover]
 * @property {boolean} [head] the cell names the row
 * @property {'narrow'} [hide] not on a phone
 * @property {boolean} [isDrawn] a picture or button: not in exports
 * @property {(row: any) => string} [tint] style of the cell
 */

/** So many rows are shown until more are asked for. */
const FIRST_ROWS = 100;

function order(a, b) {
  if (a === b) return 0;
  if (a === null || a === undefined) return 1;
  if (b === null || b === undefined) return -1;
  if (isDecimal(a) && isDecimal(b)) return compare(a, b);
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}

function sorted(rows, columns, sort) {
  const column = sort && columns.find((one) => one.key === sort.key);
  if (!column) return rows;
  const factor = sort.descending ? -1 : 1;
  return rows.map((row, index) => ({ row, index, value: column.value(row) }))
    .sort((a, b) => (a.value === null ? 1 : b.value === null ? -1 : factor * order(a.value, b.value)) || a.index - b.index)
    .map((one) => one.row);
}

const classOf = (column) => [column.num ? 'num' : '', column.hide === 'narrow' ? 'wide-only' : ''].join(' ').trim() || null;

function Cell({ column, row }) {
  const content = column.cell ? column.cell(row) : column.value(row) ?? 'n/a';
  const shared = { class: classOf(column), title: column.hover?.(row), style: column.tint?.(row) };
  return column.head ? html`<th scope="row" ...${shared}>${content}</th>` : html`<td ...${shared}>${content}</td>`;
}

/**
 * @param {object} props
 * @param {string} props.name of the file that `e` saves
 * @param {string} props.caption for screen readers
 * @param {Column[]} props.columns
 * @param {any[]} props.rows
 * @param {(row: any) => string} props.rowKey
 * @param {{key: string, descending?: boolean}} [props.sort] at first
 * @param {(row: any) => void} [props.open] Enter or click
 * @param {(row: any) => void} [props.select] when j, k or a click moved to it
 * @param {(row: any) => boolean} [props.stale]
 * @param {(row: any) => string} [props.rowClass]
 * @param {any[]} [props.foot] totals
 * @param {any} [props.empty] what is said without rows
 * @param {Record<string, (row: any) => void>} [props.keys] acts on the chosen row
 * @param {boolean} [props.isSecond] beside the main table of its view: j and k are its own only once it was touched
 */
export function Table({ name, caption, columns, rows, rowKey, sort: first, open, select, stale, rowClass, foot = [], empty, keys = {}, isSecond }) {
  const [sort, setSort] = useState(first ?? null);
  const [chosen, setChosen] = useState(null);
  const [isWhole, setWhole] = useState(false);
  const body = useRef(null);
  const list = useMemo(() => sorted(rows, columns, sort), [rows, columns, sort]);
  const isNarrow = book.narrow.value;
  const shownColumns = isNarrow ? columns.filter((column) => column.hide !== 'narrow') : columns;
  const shownRows = isWhole ? list : list.slice(0, FIRST_ROWS);

  const place = useRef(null);
  const offer = useExport(name, () => {
    const saved = columns.filter((column) => !column.isDrawn);
    return [saved.map((column) => [column.key, column.unit && `(${column.unit})`].filter(Boolean).join(' ')),
      ...[...list, ...foot].map((row) => saved.map((column) => column.value(row)))];
  }, place);

  // What a row does is looked up when it does it: a row that has not changed is not drawn again, and keeps what it was drawn with.
  const acts = useRef({});
  const drawn = useRef(new Map());
  const moveTo = (row, takeFocus) => {
    setChosen(rowKey(row));
    select?.(row);
    if (takeFocus) {
      requestAnimationFrame(() => body.current?.querySelector('tr[aria-current]')?.focus());
    }
  };
  const step = (by) => {
    const index = list.findIndex((row) => rowKey(row) === chosen);
    const next = list[Math.max(0, Math.min(shownRows.length - 1, index < 0 ? 0 : index + by))];
    if (next) moveTo(next, true);
  };
  const onChosen = (act) => () => {
    const row = list.find((one) => rowKey(one) === chosen) ?? list[0];
    if (row) act(row);
  };
  const lentKeys = { j: () => step(1), k: () => step(-1) };
  for (const [key, act] of Object.entries(keys)) lentKeys[key] = onChosen(act);
  const lender = useKeys(lentKeys, place, isSecond);

  const sortBy = (column) => setSort(sort?.key === column.key
    ? { key: column.key, descending: !sort.descending } : { key: column.key, descending: Boolean(column.num) });

  acts.current = { moveTo, open };
  const onRowKey = (event, row) => {
    if (event.key !== 'Enter' || event.target.closest('a, button')) return;
    event.preventDefault();
    acts.current.open?.(row);
  };
  const line = (row) => {
    const key = rowKey(row);
    const isChosen = key === chosen;
    const isStale = stale?.(row) ?? false;
    const marks = [isStale ? 'stale' : '', rowClass?.(row) ?? '', open ? 'opens' : ''].join(' ').trim() || null;
    const before = drawn.current.get(key);
    if (before?.row === row && before.columns === columns && before.isNarrow === isNarrow && before.isChosen === isChosen
      && before.marks === marks) return before;
    const content = html`<tr key=${key} class=${marks}
        tabindex=${isChosen ? 0 : -1} aria-current=${isChosen ? 'true' : null} title=${isStale ? 'stale: no fresh quote' : null}
        onClick=${(event) => {
          if (event.target.closest('a, button')) return;
          acts.current.moveTo(row, false);
          acts.current.open?.(row);
        }}
        onKeyDown=${(event) => onRowKey(event, row)}>
      ${shownColumns.map((column) => html`<${Cell} key=${column.key} column=${column} row=${row} />`)}
    </tr>`;
    return { key, row, columns, isNarrow, isChosen, marks, content };
  };

  if (rows.length === 0 && empty) return html`<p class="empty">${empty}</p>`;
  const lines = shownRows.map(line);
  drawn.current = new Map(lines.map((one) => [one.key, one]));
  return html`<div class="scroll" ref=${place} tabindex="0" role="group" aria-label=${caption} onFocusIn=${() => {
    preferExport(offer);
    takeTheKeys(lender);
  }}>
    <table>
      <caption class="sr">${caption}</caption>
      <thead><tr>${shownColumns.map((column) => html`<th scope="col" key=${column.key} class=${classOf(column)}
          aria-sort=${sort?.key === column.key ? (sort.descending ? 'descending' : 'ascending') : null}>
        <button type="button" class="sort" onClick=${() => sortBy(column)}>${column.title}${sort?.key === column.key
          && html`<span aria-hidden="true">${sort.descending ? ' ↓' : ' ↑'}</span>`}</button>
        ${column.unit && html`<span class="unit">${column.unit}</span>`}</th>`)}</tr></thead>
      <tbody ref=${body}>${lines.map((one) => one.content)}</tbody>
      ${foot.length > 0 && html`<tfoot>${foot.map((row, index) => html`<tr key=${index}>
        ${shownColumns.map((column) => html`<${Cell} key=${column.key} column=${column} row=${row} />`)}</tr>`)}</tfoot>`}
    </table>
    ${shownRows.length < list.length && html`<button type="button" class="chip" onClick=${() => setWhole(true)}>
      show all ${list.length} rows</button>`}
  </div>`;
}
