/** @file History: headline figures over time. A click takes all views back to that record. */
import { html, useEffect, useState } from '../lib/h.js';
import { book, get } from '../lib/store.js';
import { Panel, Choice, useExport } from '../lib/panel.js';
import { useUnderlying } from '../lib/underlyings.js';
import { Chart } from '../lib/chart.js';
import { short, full, percent, fixed, utc, clock } from '../lib/format.js';

const POINTS = 500;
/** Asked again no more often than this, and not more often than the server keeps a point. */
const LEAST_EVERY_MS = 5000;

const SERIES = [
  ['value_usd', 'value'], ['equity_usd', 'equity'], ['delta_cash_usd', 'cash delta'], ['gamma_cash_1pct_usd', 'gamma cash 1 %'],
  ['vega_usd_per_point', 'vega'], ['theta_usd_per_day', 'theta'], ['maintenance_use', 'maintenance use, worst account'],
  ['nearest_liquidation_percent', 'nearest liquidation'], ['limit_use', 'limit use, highest'],
];
const SETS = [
  ['line', 'the line', ['maintenance_use', 'limit_use', 'nearest_liquidation_percent', 'equity_usd']],
  ['greeks', 'greeks', ['delta_cash_usd', 'gamma_cash_1pct_usd', 'vega_usd_per_point', 'theta_usd_per_day']],
  ['value', 'value', ['value_usd', 'equity_usd', 'spot_usd', 'delta_cash_usd:']],
];
const SPANS = [[0, 'all'], [24, '24 h'], [6, '6 h'], [1, '1 h']];

const wordOf = (name) => {
  const [key, underlying] = name.split(':');
  const word = key === 'spot_usd' ? 'spot' : SERIES.find((one) => one[0] === key)?.[1] ?? key;
  return underlying ? `${underlying} ${word}` : word;
};
/** Names that stand for the chosen underlying get it. */
const named = (names, underlying) => names.map((name) => (name === 'spot_usd' || name.endsWith(':') ? `${name.replace(/:$/, '')}:${underlying}` : name));

const isShare = (unit) => unit === 'share' || unit === 'fraction';
const axisFormat = (unit) => (isShare(unit) ? (value) => percent(value, 1) : unit === '%' ? (value) => `${fixed(value, 1)} %` : (value) => short(value).replace('·', '0'));
const fullFormat = (unit) => (isShare(unit) ? (value) => percent(value, 2) : unit === '%' ? (value) => `${fixed(value, 2)} %` : (value) => full(value));

/** Asks for the series, again and again: all of it, whatever moment is shown, so that another one can be chosen. */
function useHistory(series, hours) {
  const [state, setState] = useState({ env: null, error: null });
  const isPaused = book.paused.value;
  useEffect(() => {
    const ended = new AbortController();
    let timer = 0;
    const ask = async () => {
      try {
        const query = new URLSearchParams({ series, points: POINTS });
        const env = await get(`/v1/history?${query}`, ended.signal);
        setState({ env, error: null, of: series });
        if (!isPaused) timer = setTimeout(ask, Math.max(LEAST_EVERY_MS, (env.data.every_seconds ?? 0) * 1000));
      } catch (error) {
        if (!ended.signal.aborted) setState((former) => ({ ...former, error }));
      }
    };
    ask();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }, [series, isPaused]);
  const { env } = state;
  return { env, error: state.error, loading: state.of !== series, data: state.of === series ? cut(env?.data, hours) : null };
}

/** The last hours of what was sent. */
function cut(data, hours) {
  if (!data || !hours || !data.times.length) return data ?? null;
  const from = Date.parse(data.times.at(-1)) - hours * 3600e3;
  const first = data.times.findIndex((time) => Date.parse(time) >= from);
  const values = Object.fromEntries(Object.entries(data.values).map(([name, list]) => [name, list.slice(first)]));
  return { ...data, times: data.times.slice(first), records: data.records.slice(first), values };
}

function Lines({ data, names }) {
  const x = data.times.map((time) => Date.parse(time) / 1000);
  const perDay = x.length && x.at(-1) - x[0] > 86400;
  const pick = (index) => { book.at.value = data.records[index]; };
  const at = book.at.value;
  const position = at === null ? -1 : data.records.findIndex((record) => record >= at);
  useExport('history', () => [
    ['time', 'record', ...names.map((name) => `${name} ${data.series[name]?.unit ?? ''}`.trim())],
    ...data.times.map((time, index) => [time, data.records[index], ...names.map((name) => data.values[name][index])]),
  ]);
  return html`${names.filter((name) => data.values[name]).map((name) => {
    const unit = data.series[name]?.unit ?? '';
    const newest = data.values[name].at(position);
    return html`<section key=${name} class="trend"><h3>${wordOf(name)} <b>${newest === null || newest === undefined ? 'n/a' : axisFormat(unit)(newest)}</b>
        ${!isShare(unit) && unit !== '%' && html` <span class="unit">${unit}</span>`}</h3>
      <${Chart} label="${wordOf(name)} over time" x=${x} isTime height=${150} onPick=${pick}
        series=${[{ label: wordOf(name), color: 'chart-1', width: 1.5, values: data.values[name] }]}
        lines=${position >= 0 ? [{ x: x[position], text: `#${at}`, color: 'replay' }] : []}
        timeValues=${(u, splits) => splits.map((split) => (perDay ? utc(split * 1000).slice(5, 16) : clock(split * 1000)))}
        readoutX=${(value) => utc(value * 1000)} xFormat=${(value) => utc(value * 1000)} yFormat=${axisFormat(unit)} figure=${fullFormat(unit)} yUnit=${isShare(unit) ? '' : unit} /></section>`;
  })}`;
}

function Component({ params }) {
  const underlying = useUnderlying(params);
  const [set, setSet] = useState(SETS[0][0]);
  const [hours, setHours] = useState(0);
  const names = named(SETS.find((one) => one[0] === set)[2], underlying);
  const view = useHistory(names.join(','), hours);
  const { data } = view;
  return html`<div class="view"><${Panel} title="History" env=${view.env} error=${view.error} loading=${view.loading} stale=${[]}
    note=${data && data.times.length > 0 && `${utc(data.times[0])} to ${utc(data.times.at(-1))}, a point every ${data.every_seconds} s`}
    actions=${html`<${Choice} label="series" options=${SETS} value=${set} onChange=${setSet} /><${Choice} label="span" options=${SPANS} value=${hours} onChange=${setHours} />`}>
    ${data && (data.times.length ? html`<div class="trends"><${Lines} data=${data} names=${names} /></div>` : html`<p class="empty">Nothing is kept yet.</p>`)}
    <p class="caveat">A click, or Enter at the cursor, shows the book as it was at that record in every view. A gap is a time without the figure.</p>
  <//></div>`;
}

export default { name: 'history', title: 'History', letter: 'y', Component };
