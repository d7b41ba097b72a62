/** @file P&L explain: what the change of value is made of, and how much of it nothing explains. */
import { html, useRef, useState } from '../lib/h.js';
import { useView } from '../lib/store.js';
import { Panel, Choice, Table, Amount, NA, useExport } from '../lib/panel.js';
import { Waterfall } from '../lib/bars.js';
import { percent, full, short, tone, utc } from '../lib/format.js';

const WORDS = {
  delta: 'spot moved, at the delta held', gamma: 'the delta moved along', vega: 'vols moved', theta: 'time passed', vanna: 'vols and spot moved together',
  volga: 'vega moved along with vols', carry: 'forwards slid to spot', rate: 'rates of currencies moved', residual: 'moves too large for the terms above',
  trades: 'bought and sold away from the mark', fees: 'paid to venues', funding: 'paid and received on perpetuals', transfers: 'moved in and out', unexplained: 'nothing above accounts for it',
};

/** Above this share of all that moved, the explanation is not good enough to rely on. */
const TOO_MUCH = 0.05;

const CASH = [
  { key: 'place', title: 'place', value: (row) => row.place, head: true },
  { key: 'cause', title: 'cause', value: (row) => row.cause },
  { key: 'asset', title: 'asset', value: (row) => row.asset },
  { key: 'amount', title: 'amount', unit: 'asset', num: true, value: (row) => row.amount,
    cell: (row) => html`<span class=${tone(row.amount)}>${full(row.amount)}</span>` },
];

function Unexplained({ share }) {
  if (share === null) return html`<span class="tag" title="nothing moved, or parts are missing">unexplained n/a</span>`;
  const isMuch = share > TOO_MUCH;
  return html`<span class="tag ${isMuch ? 'warn' : 'ok'}"
      title="share of all that moved, without sign">${isMuch ? '▲' : '✓'} unexplained ${percent(share)}</span>`;
}

/** Parts down, underlyings across. */
function Matrix({ data }) {
  const parts = data.total.parts.map((one) => one.part);
  const figure = (row, part) => row.parts.find((one) => one.part === part)?.usd ?? null;
  const place = useRef(null);
  useExport('profit-by-underlying', () => [
    ['part', ...data.by_underlying.map((row) => `${row.underlying} USD`), 'all USD'],
    ...parts.map((part) => [part, ...data.by_underlying.map((row) => figure(row, part)), figure(data.total, part)]),
    ['change', ...data.by_underlying.map((row) => row.change_usd), data.total.change_usd],
  ], place);
  return html`<div class="scroll" tabindex="0" role="region" aria-label="table of the parts"><table ref=${place}>
    <caption class="sr">parts of the P&L by underlying, USD</caption>
    <thead><tr><th scope="col">part</th>${[...data.by_underlying.map((row) => row.underlying), 'all'].map((name) => html`<th scope="col"
      class="num" key=${name}>${name}<span class="unit">USD</span></th>`)}</tr></thead>
    <tbody>${parts.map((part) => html`<tr key=${part}><th scope="row" title=${WORDS[part]}>${part}</th>
      ${[...data.by_underlying, data.total].map((row, index) => html`<td class="num" key=${index}><${Amount} text=${figure(row, part)}
          unit="USD" why="this part is not kept by underlying" /></td>`)}</tr>`)}</tbody>
    <tfoot><tr><th scope="row">change</th>${[...data.by_underlying, data.total].map((row, index) => html`<td class="num"
      key=${index}><${Amount} text=${row.change_usd} unit="USD" /></td>`)}</tr></tfoot>
  </table></div>`;
}

function CashMoved({ data, env }) {
  return html`<${Panel} title="Cash that moved" env=${env}><${Table} name="profit-cash" isSecond caption="cash by place, cause and asset"
      columns=${CASH} rows=${data.cash}
    rowKey=${(row) => `${row.place} ${row.cause} ${row.asset}`} empty="No cash moved." /><//>`;
}

function Explained({ view, of, setOf }) {
  const { data, env } = view;
  const shown = data.by_underlying.find((one) => one.underlying === of) ?? data.total;
  const isMuch = data.unexplained_share > TOO_MUCH;
  return html`<div class="pair wide-left">
    <${Panel} title="P&L explain" unit="USD" env=${env} error=${view.error} loading=${view.loading}
      note=${html`${utc(data.since)} to ${utc(data.until)}: <b title=${full(data.total.change_usd)}>${short(data.total.change_usd)}</b>`}
      actions=${html`<${Unexplained} share=${data.unexplained_share} />
        <${Choice} label="of" options=${[['all', 'all'], ...data.by_underlying.map((one) => [one.underlying, one.underlying])]} value=${of}
          onChange=${setOf} />`}>
      <${Waterfall} caption="parts of the P&L of ${of}" unit="USD" name="profit"
        parts=${shown.parts.map((one) => ({
          key: one.part, label: one.part, text: one.usd, title: WORDS[one.part],
          tag: one.part === 'unexplained' && isMuch && html`<span class="tag warn">▲ much</span>`,
        }))}
        total=${{ key: 'change', label: 'change', text: shown.change_usd }} />
    <//>
    <${Panel} title="Parts by underlying" unit="USD" env=${env}><${Matrix} data=${data} /><//>
  </div>`;
}

function Component() {
  const view = useView('profit');
  const [of, setOf] = useState('all');
  const { data } = view;
  if (!data) return html`<${Panel} title="P&L explain" env=${null} error=${view.error} loading />`;
  return html`<div class="view">
    ${data.total ? html`<${Explained} view=${view} of=${of} setOf=${setOf} />`
      : html`<${Panel} title="P&L explain" env=${view.env} error=${view.error} loading=${view.loading}>
          <p class="empty"><${NA} why=${data.why_not} /> The change of value is not explained: ${data.why_not}.</p><//>`}
    <${CashMoved} data=${data} env=${view.env} />
  </div>`;
}

export default { name: 'profit', title: 'P&L explain', letter: 'x', Component };
