/** @file Liquidation: how far each account is from it, down and up, in percent, in daily sigmas and in money. */
import { html } from '../lib/h.js';
import { useView, go } from '../lib/store.js';
import { Panel, Table, Amount, NA } from '../lib/panel.js';
import { Distance } from '../lib/bars.js';
import { useHistory, Trends } from '../lib/trend.js';
import { fixed, move, price, percent } from '../lib/format.js';

/** Fewer daily sigmas than this need a look now, or soon. */
const NEAR_SIGMAS = 3;
const MID_SIGMAS = 6;
const WORDS = { near: '‼ near', mid: '! watch', far: 'far' };
const TAGS = { near: 'act', mid: 'warn', far: '' };

const keyOf = (row) => `${row.account}@${row.venue}`;
const sidesOf = (row) => [row.down, row.up].filter(Boolean);
/** The side that is nearer: both are moves of one coin. */
const nearerOf = (row) => sidesOf(row).reduce((found, side) => (!found || Math.abs(side.percent) < Math.abs(found.percent) ? side : found), null);
/** In daily sigmas; null without a side, or without a vol. */
const nearest = (row) => nearerOf(row)?.daily_sigmas ?? null;

/** By sigmas where they are known; a quiet coin and a wild one are not the same 10 %. */
function levelOf(side) {
  if (side.daily_sigmas === null) return Math.abs(side.percent) < 10 ? 'near' : Math.abs(side.percent) < 25 ? 'mid' : 'far';
  return side.daily_sigmas < NEAR_SIGMAS ? 'near' : side.daily_sigmas < MID_SIGMAS ? 'mid' : 'far';
}

function rowLevel(row) {
  const sides = sidesOf(row).map(levelOf);
  return ['near', 'mid', 'far'].find((level) => sides.includes(level)) ?? 'far';
}

function words(row) {
  const side = (name, found) => (found ? `${name} ${move(found.percent, 1)} % at ${price(found.price_usd)}` : `none ${name}`);
  return `${keyOf(row)}, ${row.driver}: ${side('down', row.down)}, ${side('up', row.up)}`;
}

const sideOf = (name, key, title, unit, show, hide) => ({
  key: `${name}_${key}`, title, unit, num: true, hide, value: (row) => row[name]?.[key] ?? null,
  cell: (row) => {
    if (!row[name] && row.why_not) return html`<${NA} why=${row.why_not} />`;
    if (!row[name]) return html`<span class="dim" title="no liquidation on this side within the search">none</span>`;
    return row[name][key] === null ? html`<${NA} why="no vol is known" />` : show(row[name][key]);
  },
});

function Nearest({ row }) {
  if (!nearerOf(row)) {
    return row.why_not ? html`<${NA} why=${row.why_not} />` : html`<span class="dim"
        title="no liquidation on either side within the search">none</span>`;
  }
  const level = rowLevel(row);
  return html`${nearest(row) === null ? html`<${NA} why="no vol is known" />` : html`<b>${fixed(nearest(row), 1)}</b>`}
    ${' '}<span class="tag ${TAGS[level]}">${WORDS[level]}</span>`;
}

const COLUMNS = [
  { key: 'account', title: 'account', value: keyOf, head: true },
  { key: 'driver', title: 'driver', value: (row) => row.driver, cell: (row) => row.driver ?? html`<${NA} why=${row.why_not} />` },
  { key: 'nearest', title: 'nearest', unit: 'daily σ', num: true, value: nearest, cell: (row) => html`<${Nearest} row=${row} />` },
  { key: 'index_usd', title: 'index', unit: 'USD', num: true, hide: 'narrow', value: (row) => row.index_usd,
    cell: (row) => (row.index_usd === null ? html`<${NA} why=${row.why_not ?? 'no index'} />` : price(row.index_usd)) },
  sideOf('down', 'percent', 'down', '%', (value) => move(value, 1)),
  { key: 'track', title: 'down · spot · up', unit: '−60 % to +60 %', value: () => null,
    cell: (row) => (row.why_not && !nearerOf(row) ? html`<${NA} why=${row.why_not} />`
        : html`<${Distance} down=${row.down?.percent ?? null} up=${row.up?.percent ?? null} label=${words(row)}
      level=${(value) => levelOf(value === row.down?.percent ? row.down : row.up)} />`) },
  sideOf('up', 'percent', 'up', '%', (value) => move(value, 1)),
  sideOf('down', 'price_usd', 'price down', 'USD', price, 'narrow'),
  sideOf('up', 'price_usd', 'price up', 'USD', price, 'narrow'),
  { key: 'to_liquidation_usd', title: 'surplus', unit: 'USD to liquidation', num: true, value: (row) => row.to_liquidation_usd,
    cell: (row) => html`<${Amount} text=${row.to_liquidation_usd} unit="USD" why=${row.why_not} plain />` },
  { key: 'daily_vol', title: 'vol', unit: '% a day', num: true, hide: 'narrow', value: (row) => row.daily_vol,
    cell: (row) => (row.daily_vol === null ? html`<${NA} why=${row.why_not ?? 'no vol is known'} />` : percent(row.daily_vol, 2)) },
];

/** The sentence that answers the question of the view. */
function Answer({ accounts }) {
  const known = accounts.filter(nearerOf);
  if (!known.length) return html`<p class="empty">No account can be liquidated within the search.</p>`;
  // By sigmas where both are known: a quiet coin and a wild one are not the same 10 %.
  const isNearer = (a, b) => (nearest(a) !== null && nearest(b) !== null ? nearest(a) < nearest(b)
    : Math.abs(nearerOf(a).percent) < Math.abs(nearerOf(b).percent));
  const row = known.reduce((best, one) => (isNearer(one, best) ? one : best));
  const side = nearerOf(row);
  const tag = html` <span class="tag ${TAGS[levelOf(side)]}">${WORDS[levelOf(side)]}</span>`;
  const mark = row.is_stale ? 'stale' : null;
  if (side.percent === 0) return html`<p
      class=${mark}><b>${keyOf(row)}</b> is below its maintenance margin: the venue may liquidate it now.${tag}</p>`;
  const sigmas = nearest(row) === null ? '' : `, which is ${fixed(nearest(row), 1)} daily sigmas away`;
  return html`<p class=${mark}>Nearest: <b>${keyOf(row)}</b> is liquidated if ${row.driver} moves <b>${move(side.percent, 1)} %</b>
    ${' '}to ${price(side.price_usd)}${sigmas}.${tag}</p>`;
}

const TRENDS = ['nearest_liquidation_percent', 'maintenance_use'];

/** Whether the line comes nearer. */
function Drift() {
  const { env, data, error, loading } = useHistory(TRENDS.join(','));
  return html`<${Panel} title="Is it coming nearer?" env=${env} error=${error} loading=${loading} stale=${[]}>
    ${data && html`<${Trends} data=${data} names=${TRENDS} file="liquidation-history" />`}<//>`;
}

function Component() {
  const view = useView('liquidation');
  const { data } = view;
  return html`<div class="view"><${Panel} title="Distance to liquidation" env=${view.env} error=${view.error} loading=${view.loading}
      note=${data?.path}>
    ${data && html`<${Answer} accounts=${data.accounts} />
      <${Table} name="liquidation" caption="distance of each account to liquidation" columns=${COLUMNS} rows=${data.accounts}
        rowKey=${(row) => `${keyOf(row)} ${row.driver}`}
        sort=${{ key: 'nearest' }} stale=${(row) => row.is_stale} open=${(row) => go('margin', { account: row.account, venue: row.venue })}
            empty="No accounts." />`}
    <p class="caveat">The track is the move of the driver: the bar in the middle is safe, hatched is liquidation. Under ${NEAR_SIGMAS} daily sigmas is near, under ${MID_SIGMAS} to be watched.
      Path: ${data?.path ?? 'n/a'}. A joint move can be nearer.</p>
  <//>
  <${Drift} /></div>`;
}

export default { name: 'liquidation', title: 'Liquidation', letter: 'k', Component };
