/** @file P&L curve: the book's P&L in one underlying against its spot, now and later, with what lies on the way. */
import { html, useMemo, useRef, useState } from '../lib/h.js';
import { useView } from '../lib/store.js';
import { Panel, Choice, Table, useExport } from '../lib/panel.js';
import { useUnderlying } from '../lib/underlyings.js';
import { Fresh } from '../lib/fresh.js';
import { Chart } from '../lib/chart.js';
import { short, full, price, move, percent } from '../lib/format.js';

const COLORS = ['chart-1', 'chart-2', 'chart-3', 'chart-4'];
const DASHES = [undefined, [8, 4], [2, 3], [10, 3, 2, 3]];
const RANGES = [[0.1, '±10 %'], [0.25, '±25 %'], [0.5, '±50 %']];

const BREAK_EVENS = [
  { key: 'days', title: 'horizon', value: (row) => row.label, head: true },
  { key: 'spot_usd', title: 'break-even', unit: 'USD', num: true, value: (row) => row.spot_usd, cell: (row) => price(row.spot_usd) },
  { key: 'percent', title: 'from spot', unit: '%', num: true, value: (row) => row.percent, cell: (row) => move(row.percent, 1) },
];
const LIQUIDATIONS = [
  { key: 'account', title: 'account', value: (row) => `${row.account}@${row.venue}`, head: true },
  { key: 'spot_usd', title: 'liquidation', unit: 'USD', num: true, value: (row) => row.spot_usd, cell: (row) => price(row.spot_usd) },
  { key: 'percent', title: 'from spot', unit: '%', num: true, value: (row) => row.percent, cell: (row) => move(row.percent, 1) },
];

function linesOf(data) {
  const lines = [{ x: data.spot_usd, text: `spot ${price(data.spot_usd)}`, color: 'chart-mark', dash: [] }];
  for (const one of data.break_evens.filter((one) => one.days === 0)) {
    lines.push({ x: one.spot_usd, text: `break-even ${price(one.spot_usd)}`, color: 'chart-3', dash: [2, 4] });
  }
  for (const one of data.liquidations) {
    lines.push({ x: one.spot_usd, text: `✕ ${one.account}@${one.venue} ${move(one.percent, 1)} %`, color: 'chart-danger', dash: [6, 3] });
  }
  return lines;
}

function Drawing({ data, reach }) {
  const place = useRef(null);
  const { spot_usd: spot } = data;
  const kept = data.spot_returns.map((value, index) => ({ value, index })).filter(({ value }) => Math.abs(value) <= reach + 1e-9);
  const x = kept.map(({ value }) => spot * (1 + value));
  const series = data.horizons.map((horizon, order) => {
    const texts = kept.map(({ index }) => horizon.pnl_usd[index]);
    return { label: horizon.label, texts, values: texts.map((text) => (text === null ? null : Number(text))), color: COLORS[order % 4],
        dash: DASHES[order % 4] };
  });
  useExport(`curve-${data.underlying}`, () => [
    ['spot_usd', 'spot_return', ...data.horizons.map((one) => `pnl_usd ${one.label}`)],
    ...data.spot_returns.map((value, index) => [spot * (1 + value), value, ...data.horizons.map((one) => one.pnl_usd[index])]),
  ], place);
  const sigma = data.one_sigma;
  return html`<div ref=${place}><${Chart}
      label="P&L of ${data.underlying} against its spot at ${data.horizons.map((one) => one.label).join(', ')}"
    x=${x} series=${series} height=${Math.max(300, Math.min(640, innerHeight - 380))} hasZero xFormat=${(value) => short(value)}
        yFormat=${(value) => short(value).replace('·', '0')}
    readoutX=${(value) => `${price(value)} (${move((value / spot - 1) * 100, 1)} %)`} figure=${(value) => full(value)} xUnit="spot, USD"
        yUnit="USD"
    lines=${linesOf(data)} bands=${sigma ? [{ from: sigma.down_usd, to: sigma.up_usd }] : []} /></div>`;
}

function Component({ params }) {
  const underlying = useUnderlying(params);
  const [reach, setReach] = useState(0.5);
  const view = useView('curve', { underlying });
  const { data } = view;
  const breaks = useMemo(() => (data?.break_evens ?? []).map((one) => ({
    ...one,
    percent: (one.spot_usd / data.spot_usd - 1) * 100,
    label: data.horizons.find((horizon) => horizon.days === one.days)?.label ?? `${one.days} days`,
  })), [data]);
  const sigma = data?.one_sigma;
  return html`<div class="view">
    <${Panel} title="${underlying} P&L against spot" unit="USD" env=${view.env} error=${view.error} loading=${view.loading}
      stale=${view.isStale(underlying) ? [underlying] : []}
      actions=${html`<${Choice} label="reach" options=${RANGES} value=${reach} onChange=${setReach} />`}>
      ${data && html`<${Fresh} isStale=${view.isStale(underlying)}><${Drawing} data=${data} reach=${reach} /><//>
        <p class="caveat">${sigma ? `Shaded: one standard deviation over ${sigma.days} day${sigma.days === 1 ? '' : 's'}, ${price(sigma.down_usd)} to ${price(sigma.up_usd)} USD at a vol of ${percent(sigma.vol)}.`
          : 'No vol at the money: no shade for one standard deviation.'} Vols stay with their strikes; other coins stay where they are.</p>`}
    <//>
    ${data && html`<div class="pair">
      <${Panel} title="Break-evens" env=${view.env} stale=${[]}><${Table} name="break-evens" isSecond
        caption="spots at which the P&L is nothing" columns=${BREAK_EVENS} rows=${breaks}
        rowKey=${(row) => `${row.label} ${row.spot_usd}`} empty="No break-even within the range." /><//>
      <${Panel} title="Liquidations on the way" env=${view.env} stale=${[]}><${Table} name="curve-liquidations" isSecond
        caption="spots at which an account is liquidated" columns=${LIQUIDATIONS}
        rows=${data.liquidations} rowKey=${(row) => `${row.account}@${row.venue}${row.percent < 0}`}
            empty="No account is liquidated by this coin alone." /><//>
    </div>`}
  </div>`;
}

export default { name: 'curve', title: 'P&L curve', letter: 'c', Component };
