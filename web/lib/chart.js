/**
 * @file Line charts: uPlot in the colours and the font of the page, with a readout of exact figures, keys, and a table of
 * the same figures for whoever cannot see the lines.
 */
import uPlot from '../vendor/uPlot.mjs';
import { html, useEffect, useRef, useState } from './h.js';
import { book } from './store.js';
import { token, font } from './paint.js';
import { Readout, Twin } from './readout.js';

/** Narrower, and the minus of a label is clipped: a loss would be drawn as a gain. */
const LEAST_AXIS = 62;

/**
 * @typedef {object} Series
 * @property {string} label
 * @property {(number|null)[]} values  drawn
 * @property {(string|null)[]} [texts] exact figures of the same points, for the readout and the table
 * @property {string} color            a custom property of the theme, such as `chart-1`
 * @property {number[]} [dash]
 * @property {number} [width]
 *
 * @typedef {{x: number, text: string, color?: string, dash?: number[], row?: number}} Line  a vertical line with a word
 * @typedef {{from: number, to: number, text?: string}} Band  shaded
 * @typedef {{x: number, low: number|null, high: number|null, isHollow?: boolean}} Whisker
 */

/** Drawn below the lines: shades, the zero line, vertical lines. */
function drawBelow(u, extra) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  const at = (x) => Math.round(u.valToPos(x, 'x', true));
  const isInside = (x) => x >= u.scales.x.min && x <= u.scales.x.max;
  ctx.save();
  ctx.beginPath();
  ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
  ctx.clip();
  ctx.fillStyle = token('chart-band');
  for (const band of extra.bands) ctx.fillRect(at(band.from), bbox.top, at(band.to) - at(band.from), bbox.height);
  if (extra.hasZero && u.scales.y.min < 0 && u.scales.y.max > 0) {
    const y = Math.round(u.valToPos(0, 'y', true));
    ctx.strokeStyle = token('chart-axis');
    ctx.lineWidth = ratio;
    ctx.setLineDash([]);
    ctx.beginPath();
    ctx.moveTo(bbox.left, y);
    ctx.lineTo(bbox.left + bbox.width, y);
    ctx.stroke();
  }
  for (const line of extra.lines.filter((one) => isInside(one.x))) {
    ctx.strokeStyle = token(line.color ?? 'chart-mark');
    ctx.lineWidth = 1.5 * ratio;
    ctx.setLineDash((line.dash ?? [4, 3]).map((part) => part * ratio));
    ctx.beginPath();
    ctx.moveTo(at(line.x), bbox.top);
    ctx.lineTo(at(line.x), bbox.top + bbox.height);
    ctx.stroke();
  }
  ctx.restore();
}

/** Drawn above the lines: whiskers, and the words of vertical lines in rows so that they do not cover one another. */
function drawAbove(u, extra) {
  const { ctx, bbox } = u;
  const ratio = devicePixelRatio;
  const at = (x) => u.valToPos(x, 'x', true);
  ctx.save();
  ctx.lineWidth = 1.3 * ratio;
  for (const { x, low, high, isHollow } of extra.whiskers) {
    if (x < u.scales.x.min || x > u.scales.x.max) continue;
    const size = 3 * ratio;
    ctx.strokeStyle = token(isHollow ? 'chart-dim' : 'chart-quote');
    ctx.setLineDash(isHollow ? [2 * ratio, 2 * ratio] : []);
    const ends = [low, high].filter((end) => end !== null).map((end) => u.valToPos(end, 'y', true));
    ctx.beginPath();
    if (ends.length === 2) {
      ctx.moveTo(at(x), ends[0]);
      ctx.lineTo(at(x), ends[1]);
    }
    for (const end of ends.filter(() => !isHollow)) {
      ctx.moveTo(at(x) - size, end);
      ctx.lineTo(at(x) + size, end);
    }
    ctx.stroke();
    // A quote that was left out is hollow, and stays visible with one side only.
    ctx.setLineDash([]);
    for (const end of ends.filter(() => isHollow)) {
      ctx.beginPath();
      ctx.arc(at(x), end, size, 0, 2 * Math.PI);
      ctx.stroke();
    }
  }
  ctx.setLineDash([]);
  ctx.font = font(11 * ratio);
  ctx.textAlign = 'left';
  ctx.textBaseline = 'top';
  const rows = [];
  for (const line of [...extra.lines].sort((a, b) => a.x - b.x)) {
    if (!line.text || line.x < u.scales.x.min || line.x > u.scales.x.max) continue;
    const width = ctx.measureText(line.text).width + 6 * ratio;
    const isLeft = at(line.x) + width > bbox.left + bbox.width;
    const start = isLeft ? at(line.x) - width : at(line.x) + 3 * ratio;
    let row = rows.findIndex((end) => end <= start);
    if (row < 0) row = rows.length;
    rows[row] = start + width;
    const top = bbox.top + (3 + row * 15) * ratio;
    ctx.fillStyle = token('chart-ground');
    ctx.globalAlpha = 0.85;
    ctx.fillRect(start - 2 * ratio, top - ratio, width, 14 * ratio);
    ctx.globalAlpha = 1;
    ctx.fillStyle = token(line.color ?? 'chart-ink');
    ctx.fillText(line.text, start, top);
  }
  ctx.restore();
}

function axis(side, format, unit) {
  return {
    side,
    stroke: token('chart-ink'),
    font: font(11),
    labelFont: font(11),
    label: unit,
    labelSize: unit ? 18 : 0,
    grid: { stroke: token('chart-grid'), width: 1 },
    ticks: { stroke: token('chart-grid'), width: 1, size: 4 },
    ...(format ? { values: (u, splits) => splits.map((split) => (split === null ? '' : format(split))) } : {}),
  };
}

/** @param {object} props of Chart @param {object} extra what the hooks read at each drawing @param {HTMLElement} box */
function optionsOf(props, extra, box, onCursor) {
  const { series, xFormat, yFormat, xUnit, yUnit, isTime, height } = props;
  const width = (u, values) => Math.max(LEAST_AXIS, ...(values ?? []).map((value) => String(value).length * 7 + 14));
  return {
    width: Math.max(200, box.clientWidth),
    height,
    padding: [10, 14, 0, 0],
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false, points: { size: 7 } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
    scales: {
      x: { time: Boolean(isTime), ...(props.xRange ? { range: () => extra.xRange } : {}) },
      y: { range: (u, low, high) => yRange(low, high, extra) },
    },
    axes: [
      { ...axis(2, isTime ? null : xFormat, xUnit), size: 30, ...(isTime ? { values: props.timeValues } : {}) },
      { ...axis(3, yFormat, null), size: width },
    ],
    series: [{}, ...series.map((one) => ({
      label: one.label,
      stroke: token(one.color),
      width: one.width ?? 2,
      dash: one.dash,
      points: { show: false },
      spanGaps: false,
    }))],
    hooks: {
      drawClear: [(u) => drawBelow(u, extra)],
      draw: [(u) => drawAbove(u, extra)],
      setCursor: [(u) => onCursor(u.cursor.idx ?? null)],
    },
  };
}

/** Some room above and below; whiskers count, and a flat line stands in the middle. */
function yRange(low, high, extra) {
  const ends = extra.whiskers.flatMap((one) => [one.low, one.high]).filter((end) => end !== null);
  let from = Math.min(low ?? Infinity, ...ends);
  let to = Math.max(high ?? -Infinity, ...ends);
  if (!Number.isFinite(from) || !Number.isFinite(to)) return [0, 1];
  if (extra.hasZero) [from, to] = [Math.min(from, 0), Math.max(to, 0)];
  const room = (to - from) * 0.07 || Math.abs(to) * 0.01 || 1;
  return [from - room, to + room];
}

/** A choice of places that changes rarely; with it the chart is made anew. */
const shapeOf = (props) => JSON.stringify([props.isTime, props.xUnit, props.height, props.series.map((one) => [one.label, one.color, one.dash])]);

/**
 * @param {object} props
 * @param {string} props.label what the chart shows, in a sentence
 * @param {number[]} props.x ascending; seconds since 1970 if `isTime`
 * @param {Series[]} props.series
 * @param {(x: number) => string} props.xFormat
 * @param {(y: number) => string} props.yFormat of the axis
 * @param {(figure: any) => string} [props.figure] of the readout and the table; full figures
 * @param {string} [props.xUnit] @param {string} props.yUnit
 * @param {boolean} [props.isTime]
 * @param {number} [props.height]
 * @param {Line[]} [props.lines] @param {Band[]} [props.bands] @param {Whisker[]} [props.whiskers]
 * @param {boolean} [props.hasZero] zero is shown, as a line
 * @param {[number, number]} [props.xRange]
 * @param {(index: number) => void} [props.onPick] a click or Enter at a point
 */
export function Chart(given) {
  const props = { height: 300, lines: [], bands: [], whiskers: [], hasZero: false, ...given };
  const box = useRef(null);
  const plot = useRef(null);
  const extra = useRef({});
  const [cursor, setCursor] = useState(null);
  const theme = book.theme.value;
  const shape = shapeOf(props);
  extra.current = Object.assign(extra.current, {
    lines: props.lines, bands: props.bands, whiskers: props.whiskers, hasZero: props.hasZero, xRange: props.xRange,
  });

  useEffect(() => {
    const data = [props.x, ...props.series.map((one) => one.values)];
    plot.current = new uPlot(optionsOf(props, extra.current, box.current, setCursor), data, box.current);
    const watch = new ResizeObserver(() => {
      const width = box.current?.clientWidth;
      if (width && width !== plot.current.width) plot.current.setSize({ width, height: props.height });
    });
    watch.observe(box.current);
    return () => {
      watch.disconnect();
      plot.current.destroy();
      plot.current = null;
    };
  }, [theme, shape]);

  useEffect(() => {
    plot.current?.setData([props.x, ...props.series.map((one) => one.values)]);
  });

  const onKeyDown = (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, PageUp: -10, PageDown: 10, Home: -Infinity, End: Infinity }[event.key];
    if (event.key === 'Enter' && cursor !== null) props.onPick?.(cursor);
    if (by === undefined) return;
    event.preventDefault();
    const next = Math.max(0, Math.min(props.x.length - 1, (cursor ?? Math.floor(props.x.length / 2)) + by));
    plot.current.setCursor({ left: plot.current.valToPos(props.x[next], 'x'), top: 10 });
    setCursor(next);
  };

  return html`<figure class="chart">
    <${Readout} x=${props.x} series=${props.series} xFormat=${props.readoutX ?? props.xFormat} figure=${props.figure ?? props.yFormat}
      unit=${props.yUnit} cursor=${cursor} />
    <div class="plot" ref=${box} tabindex="0" role="img" aria-label="${props.label}. Arrow keys read single points."
      onKeyDown=${onKeyDown} onClick=${() => cursor !== null && props.onPick?.(cursor)}></div>
    <${Twin} label=${props.label} x=${props.x} series=${props.series} xTitle=${props.xUnit ?? 'time UTC'} unit=${props.yUnit}
      xFormat=${props.readoutX ?? props.xFormat} figure=${props.figure ?? props.yFormat} />
  </figure>`;
}
