/**
 * @file A heat map on a canvas: cells first, then the text of all of them, so that no cell paints over its neighbour's
 * figure. A table twin with the same figures is what screen readers, print and copying use.
 */
import { html, useEffect, useRef, useState } from './h.js';
import { book } from './store.js';
import { token, font, sequential, diverging, css, inkOn, span } from './paint.js';

const ROW_HEIGHT = 34;
const HEAD_HEIGHT = 24;
const LABEL_WIDTH = 84;
/** A narrower column cannot hold its figure: the map scrolls instead. */
const LEAST_COLUMN = 46;

/**
 * @typedef {object} HeatProps
 * @property {string} label         what the map shows, in a sentence
 * @property {string} corner        head of the row labels
 * @property {string[]} columns
 * @property {{key: string, label: string, values: (number|null)[], why?: string|null, faint?: boolean[]}[]} rows
 *           `why`: the row has no values, for this reason; `faint`: drawn as uncertain
 * @property {(value: number) => string} format
 * @property {string} unit
 * @property {(row: number, column: number) => string} describe a cell, in full
 * @property {(row: number) => void} [onPick]
 * @property {boolean} [isSigned]  figures to both sides of zero: blue above, orange below
 */

/** @returns {(value: number) => [number, number, number]} the colour of a figure */
function rampOf({ rows, isSigned }) {
  const values = rows.flatMap((row) => row.values);
  if (isSigned) {
    const [, most] = span(values.filter((value) => value !== null).map(Math.abs));
    return (value) => diverging(value / most);
  }
  const [low, high] = span(values);
  return (value) => sequential((value - low) / (high - low));
}

function geometry(box, props) {
  const width = Math.max(box.clientWidth, LABEL_WIDTH + props.columns.length * LEAST_COLUMN);
  return { width, height: HEAD_HEIGHT + props.rows.length * ROW_HEIGHT + 2, column: (width - LABEL_WIDTH - 2) / props.columns.length };
}

function paintCells(ctx, props, size) {
  const colorOf = rampOf(props);
  props.rows.forEach((row, y) => row.values.forEach((value, x) => {
    if (value === null || value === undefined) return;
    ctx.fillStyle = css(colorOf(value));
    ctx.fillRect(LABEL_WIDTH + x * size.column, HEAD_HEIGHT + y * ROW_HEIGHT, size.column + 0.5, ROW_HEIGHT - 1);
  }));
  return (value) => inkOn(colorOf(value));
}

function paintText(ctx, props, size, inkOf) {
  ctx.textBaseline = 'middle';
  ctx.font = font(11);
  ctx.fillStyle = token('chart-ink');
  ctx.textAlign = 'left';
  ctx.fillText(props.corner, 4, HEAD_HEIGHT / 2);
  ctx.textAlign = 'center';
  const middle = (x) => LABEL_WIDTH + (x + 0.5) * size.column;
  props.columns.forEach((column, x) => ctx.fillText(column, middle(x), HEAD_HEIGHT / 2));
  props.rows.forEach((row, y) => {
    const centre = HEAD_HEIGHT + (y + 0.5) * ROW_HEIGHT;
    ctx.textAlign = 'left';
    ctx.font = font(12, '600');
    ctx.fillStyle = token('chart-ink');
    ctx.fillText(row.label, 4, centre);
    ctx.font = font(12);
    if (row.why) {
      ctx.fillStyle = token('chart-dim');
      ctx.fillText(`n/a: ${row.why}`, LABEL_WIDTH + 8, centre);
      return;
    }
    ctx.textAlign = 'center';
    row.values.forEach((value, x) => {
      ctx.fillStyle = value === null ? token('chart-dim') : inkOf(value);
      const mark = row.faint?.[x] ? '*' : '';
      ctx.fillText(value === null ? 'n/a' : props.format(value) + mark, middle(x), centre);
    });
  });
}

function outline(ctx, color, x, y, width, height) {
  ctx.strokeStyle = color;
  ctx.lineWidth = 2;
  ctx.strokeRect(x + 1, y + 1, width - 2, height - 3);
}

function draw(canvas, props, cursor) {
  const size = geometry(canvas.parentElement, props);
  const ratio = devicePixelRatio;
  canvas.width = size.width * ratio;
  canvas.height = size.height * ratio;
  canvas.style.width = `${size.width}px`;
  canvas.style.height = `${size.height}px`;
  const ctx = canvas.getContext('2d');
  ctx.scale(ratio, ratio);
  paintText(ctx, props, size, paintCells(ctx, props, size));
  if (cursor) {
    outline(ctx, token('chart-ink'), LABEL_WIDTH + cursor.column * size.column, HEAD_HEIGHT + cursor.row * ROW_HEIGHT, size.column, ROW_HEIGHT);
  }
}

/** The cell under the pointer, or null. */
function cellAt(event, canvas, props) {
  const place = canvas.getBoundingClientRect();
  const size = geometry(canvas.parentElement, props);
  const column = Math.floor((event.clientX - place.left - LABEL_WIDTH) / size.column);
  const row = Math.floor((event.clientY - place.top - HEAD_HEIGHT) / ROW_HEIGHT);
  const isInside = column >= 0 && column < props.columns.length && row >= 0 && row < props.rows.length;
  return isInside ? { row, column } : null;
}

/** The same figures for whoever does not see the canvas. */
function HeatTwin(props) {
  return html`<div class="heat-twin"><table>
    <caption>${props.label}, ${props.unit}</caption>
    <thead><tr><th scope="col">${props.corner}</th>${props.columns.map((column) => html`<th scope="col"
      key=${column}>${column}</th>`)}</tr></thead>
    <tbody>${props.rows.map((row) => html`<tr key=${row.key}><th scope="row">${row.label}</th>
      ${row.values.map((value, x) => html`<td key=${x}>${value === null ? `n/a${row.why ? ` (${row.why})` : ''}` : props.format(value)}
        ${row.faint?.[x] ? ' extrapolated' : ''}</td>`)}</tr>`)}</tbody>
  </table></div>`;
}

/** @param {HeatProps} props */
export function Heat(props) {
  const canvas = useRef(null);
  const [cursor, setCursor] = useState(null);
  const theme = book.theme.value;
  useEffect(() => draw(canvas.current, props, cursor));
  useEffect(() => {
    const watch = new ResizeObserver(() => canvas.current && draw(canvas.current, props, cursor));
    watch.observe(canvas.current.parentElement);
    return () => watch.disconnect();
  }, [props, cursor, theme]);

  const moveTo = (cell) => {
    if (cell?.row !== cursor?.row || cell?.column !== cursor?.column) setCursor(cell);
  };
  const onKeyDown = (event) => {
    const step = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    if (event.key === 'Enter' && cursor) props.onPick?.(cursor.row);
    if (!step) return;
    event.preventDefault();
    const from = cursor ?? { row: 0, column: -step[1] };
    moveTo({
      row: Math.max(0, Math.min(props.rows.length - 1, from.row + step[0])),
      column: Math.max(0, Math.min(props.columns.length - 1, from.column + step[1])),
    });
  };
  return html`<figure class="heat">
    <div class="scroll" tabindex="0" role="group" aria-label="${props.label}. Arrow keys read single cells." onKeyDown=${onKeyDown}>
      <canvas ref=${canvas} aria-hidden="true" onMouseMove=${(event) => moveTo(cellAt(event, canvas.current, props))}
        onMouseLeave=${() => setCursor(null)} onClick=${() => cursor && props.onPick?.(cursor.row)} />
    </div>
    <figcaption class="readout"><span class="where" aria-live="polite">${cursor
      ? props.describe(cursor.row, cursor.column) : html`<span class="dim">point at a cell for its figures</span>`}</span>
      <span class="unit">${props.unit}</span></figcaption>
    <${HeatTwin} ...${props} />
  </figure>`;
}
