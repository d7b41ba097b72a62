/** @file Figures of the journal over time, one chart each. A click takes all views back to that record. */
import { html, useEffect, useRef, useState } from './h.js';
import { book, get, dataOf } from './store.js';
import { useExport } from './exports.js';
import { Chart } from './chart.js';
import { short, full, percent, fixed, utc, clock } from './format.js';

const POINTS = 500;
/** How often it is asked for: a point is kept every few seconds. */
const EVERY_MS = 5000;

const SERIES = [
  ['value_usd', 'value'], ['equity_usd', 'equity'], ['delta_cash_usd', 'cash delta'], ['gamma_cash_1pct_usd', 'gamma cash 1 %'],
  ['vega_usd_per_point', 'vega'], ['theta_usd_per_day', 'theta'], ['maintenance_use', 'maintenance use, worst account'],
  ['nearest_liquidation_percent', 'nearest liquidation'], ['limit_use', 'limit use, highest'],
];

const wordOf = (name) => {
  const [key, underlying] = name.split(':');
  const word = key === 'spot_usd' ? 'spot' : SERIES.find((one) => one[0] === key)?.[1] ?? key;
  return underlying ? `${underlying} ${word}` : word;
};
/** Shares come as fractions, distances in percent; of all others the server says the unit. */
const UNITS = { maintenance_use: 'share', limit_use: 'share', nearest_liquidation_percent: '%' };
const isShare = (unit) => unit === 'share';
const axisFormat = (unit) => (isShare(unit) ? (value) => percent(value, 1) : unit === '%' ? (value) => `${fixed(value, 1)} %` : (value) => short(value).replace('·', '0'));
const fullFormat = (unit) => (isShare(unit) ? (value) => percent(value, 2) : unit === '%' ? (value) => `${fixed(value, 2)} %` : (value) => full(value));

/**
 * Asks for the series, again and again: all of it, whatever moment is shown, so that another one can be chosen.
 * @param {string} series names with commas between @param {number} [hours] the last ones only
 */
export function useHistory(series, hours = 0) {
  const [state, setState] = useState({ answer: null, error: null });
  const isPaused = book.paused.value;
  useEffect(() => {
    const ended = new AbortController();
    let timer = 0;
    const ask = async () => {
      try {
        const query = new URLSearchParams({ series, points: POINTS });
        const answer = await get(`/v1/history?${query}`, ended.signal);
        setState({ answer, error: null, of: series });
      } catch (error) {
        if (ended.signal.aborted) return;
        setState((former) => ({ ...former, error }));
      }
      if (!isPaused) timer = setTimeout(ask, EVERY_MS);
    };
    ask();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [series, isPaused]);
  const { answer, error } = state;
  const isHere = answer !== null && state.of === series;
  // Without an envelope the panel has no age of its own to show; the last time stands in its note.
  const env = answer && (answer.computed ? answer : undefined);
  return { env, error, loading: !isHere, data: isHere ? cut(dataOf(answer), hours) : null };
}

/** The last hours of what was sent. */
function cut(data, hours) {
  if (!hours || !data.times.length) return data;
  const from = Date.parse(data.times.at(-1)) - hours * 3600e3;
  const first = data.times.findIndex((time) => Date.parse(time) >= from);
  const values = Object.fromEntries(Object.entries(data.values).map(([name, list]) => [name, list.slice(first)]));
  return { ...data, times: data.times.slice(first), records: data.records.slice(first), values };
}

export function Trends({ data, names, file = 'history' }) {
  const place = useRef(null);
  const x = data.times.map((time) => Date.parse(time) / 1000);
  const perDay = x.length && x.at(-1) - x[0] > 86400;
  const pick = (index) => { book.at.value = data.records[index]; };
  const at = book.at.value;
  const position = at === null ? -1 : data.records.findIndex((record) => record >= at);
  useExport(file, () => [
    ['time', 'record', ...names.map((name) => `${name} ${data.series[name]?.unit ?? ''}`.trim())],
    ...data.times.map((time, index) => [time, data.records[index], ...names.map((name) => data.values[name][index])]),
  ], place);
  if (!x.length) return html`<p class="empty">Nothing is kept yet.</p>`;
  return html`<div class="trends" ref=${place}>${names.filter((name) => data.values[name]).map((name) => {
    const unit = UNITS[name] ?? data.series[name]?.unit ?? '';
    const newest = data.values[name].at(position);
    return html`<section key=${name}
        class="trend"><h3>${wordOf(name)} <b>${newest === null || newest === undefined ? 'n/a' : axisFormat(unit)(newest)}</b>
        ${!isShare(unit) && unit !== '%' && html` <span class="unit">${unit}</span>`}</h3>
      <${Chart} label="${wordOf(name)} over time" x=${x} isTime height=${150} onPick=${pick}
        series=${[{ label: wordOf(name), color: 'chart-1', width: 1.5, values: data.values[name] }]}
        lines=${position >= 0 ? [{ x: x[position], text: `#${at}`, color: 'replay' }] : []}
        timeValues=${(u, splits) => splits.map((split) => (perDay ? utc(split * 1000).slice(5, 16) : clock(split * 1000)))}
        readoutX=${(value) => utc(value * 1000)} xFormat=${(value) => utc(value * 1000)} yFormat=${axisFormat(unit)}
            figure=${fullFormat(unit)} yUnit=${isShare(unit) ? '' : unit} /></section>`;
  })}</div>`;
}
