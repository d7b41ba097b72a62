/** @file History: headline figures over time. */
import { html, useState } from '../lib/h.js';
import { Panel, Choice } from '../lib/panel.js';
import { useUnderlying } from '../lib/underlyings.js';
import { useHistory, Trends } from '../lib/trend.js';
import { utc } from '../lib/format.js';

const SETS = [
  ['line', 'the line', ['maintenance_use', 'limit_use', 'nearest_liquidation_percent', 'equity_usd']],
  ['greeks', 'greeks', ['delta_cash_usd', 'gamma_cash_1pct_usd', 'vega_usd_per_point', 'theta_usd_per_day']],
  ['value', 'value', ['value_usd', 'equity_usd', 'spot_usd', 'delta_cash_usd:']],
];
const SPANS = [[0, 'all'], [24, '24 h'], [6, '6 h'], [1, '1 h']];

/** Names that stand for the chosen underlying get it. */
const named = (names, underlying) => names.map((name) => (name === 'spot_usd' || name.endsWith(':') ? `${name.replace(/:$/, '')}:${underlying}` : name));

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
    ${data && html`<${Trends} data=${data} names=${names} />`}
    <p class="caveat">A click, or Enter at the cursor, shows the book as it was at that record in every view. A gap is a time without the figure.</p>
  <//></div>`;
}

export default { name: 'history', title: 'History', letter: 'y', Component };
