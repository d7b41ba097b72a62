/** @file The answer to a what-if: every figure before and after, side by side. */
import { html } from '../lib/h.js';
import { Panel, Table, Amount, NA } from '../lib/panel.js';
import { percent, full, worded } from '../lib/format.js';
import { FIVE } from '../lib/measures.js';

const HEADLINE = [
  ...FIVE.map((one) => [one.key, one.word, one.unit]),
  ['equity_usd', 'equity', 'USD', true], ['initial_margin_usd', 'initial margin', 'USD', true], ['maintenance_margin_usd', 'maintenance margin', 'USD', true],
];
const LEVELS = { inside: '', warn: 'warn', hard: 'act' };
const ARROW = html`<span class="arrow" aria-hidden="true">→</span><span class="sr"> becomes </span>`;

/** Before → after; the former is dim, an equal pair is said once. */
function Pair({ before, after, show, why }) {
  if (after === null || after === undefined) return html`<${NA} why=${why ?? 'no figure after the change'} />`;
  if (before === after) return html`${show(after)} <span class="dim">=</span>`;
  return html`<span class="was">${before === null || before === undefined ? 'n/a' : show(before)}</span>${ARROW}${show(after)}`;
}

const money = (text) => html`<${Amount} text=${text} unit="USD" />`;
const level = (word) => (word ? html`<span class="tag ${LEVELS[word]}">${word}</span>` : 'n/a');
const pair = (key, title, unit, of, show, why) => ({
  key, title, unit, num: true, value: (row) => of(row)[1],
  cell: (row) => {
    const [before, after] = of(row);
    return html`<${Pair} before=${before} after=${after} show=${show} why=${why?.(row)} />`;
  },
});
const plainMoney = (text) => html`<${Amount} text=${text} unit="USD" plain />`;
const marginPair = (key, title) => pair(key, title, 'USD', (row) => [row.before?.[key], row.after?.[key]], plainMoney, (row) => row.why_not);

const ACCOUNTS = [
  { key: 'account', title: 'account', value: (row) => `${row.account}@${row.venue}`, head: true },
  { key: 'liquidated', title: 'outcome', value: (row) => (row.liquidated ? 'liquidated' : 'stands'),
    cell: (row) => (row.why_not ? html`<${NA} why=${row.why_not} />` : row.liquidated ? html`<span class="tag act">‼ liquidated</span>`
        : html`<span class="tag ok">✓ stands</span>`) },
  pair('maintenance_use', 'maintenance use', '%', (row) => [row.before?.maintenance_use, row.after?.maintenance_use], (value) => percent(value), (row) => row.why_not),
  marginPair('equity_usd', 'equity'), marginPair('initial_margin_usd', 'initial margin'), marginPair('maintenance_margin_usd', 'maint. margin'),
];
const LIMITS = [
  { key: 'limit', title: 'limit', value: (row) => `${row.limit}, ${row.group.join(', ')}`, head: true },
  pair('figure', 'figure', '', (row) => [row.before, row.after], (text) => html`<${Amount} text=${text} />`),
  { key: 'hard', title: 'hard', num: true, value: (row) => row.hard, cell: (row) => html`<${Amount} text=${row.hard} plain />` },
  { key: 'level', title: 'level', value: (row) => row.level_after, cell: (row) => html`<${Pair} before=${row.level_before}
    after=${row.level_after} show=${level} />` },
];
const UNDERLYINGS = [
  { key: 'underlying', title: 'underlying', value: (row) => row.underlying, head: true },
  ...FIVE.map((one) => pair(one.key, one.word, one.unit, (row) => [row.before[one.key], row.after[one.key]], (text) => html`<${Amount}
      text=${text} unit=${one.unit} />`)),
];

function Headline({ before, after }) {
  return html`<dl class="facts">
    <div><dt>maintenance use <span class="unit">%</span></dt><dd><${Pair} before=${before.maintenance_use} after=${after.maintenance_use}
      show=${(value) => percent(value)} /></dd></div>
    ${HEADLINE.map(([key, word, unit, isPlain]) => html`<div key=${key}><dt>${word} <span class="unit">${unit}</span></dt>
      <dd><${Pair} before=${before[key]} after=${after[key]} show=${(text) => html`<${Amount} text=${text} unit=${unit}
        plain=${isPlain} />`} /></dd></div>`)}
  </dl>`;
}

/** @param {{env: object}} props the envelope of POST /v1/whatif */
export function Result({ env }) {
  const { data } = env;
  const liquidated = data.accounts.filter((row) => row.liquidated);
  return html`<div class="view tried">
    <${Panel} title="What if: ${worded(data.sentence)}" env=${env} note="nothing of this has happened">
      <p class="outcome">P&L <b>${money(data.pnl_usd)}</b> <span class="unit" title=${full(data.pnl_usd)}>USD</span>
        ${liquidated.length ? html` <span
            class="tag act">‼ liquidated: ${liquidated.map((row) => `${row.account}@${row.venue}`).join(', ')}</span>`
            : html` <span class="tag ok">✓ every account stands</span>`}</p>
      ${data.refused.length > 0 && html`<div role="alert"><ul class="trouble">${data.refused.map((one) => html`<li
          key=${one.what}><b>not applied:</b> ${one.what}: ${one.why}</li>`)}</ul></div>`}
      ${data.after.headline.accounts_without_margin > 0 && html`<p
          class="warn">▲ ${data.after.headline.accounts_without_margin} accounts have no margin figure: the sums lack them.</p>`}
      <${Headline} before=${data.before.headline} after=${data.after.headline} />
    <//>
    <div class="pair wide-left">
      <${Panel} title="Accounts" env=${env} stale=${[]}><${Table} name="whatif-accounts" caption="margin of accounts before and after"
        columns=${ACCOUNTS} rows=${data.accounts} rowKey=${(row) => `${row.account}@${row.venue}`} empty="No account." /><//>
      <${Panel} title="Limits" env=${env} stale=${[]}><${Table} name="whatif-limits" isSecond caption="limits before and after"
        columns=${LIMITS} rows=${data.limits} rowKey=${(row) => `${row.limit} ${row.group}`} empty="The policy has no limits." /><//>
    </div>
    <${Panel} title="Underlyings" env=${env} stale=${[]}><${Table} name="whatif-underlyings" isSecond
      caption="measures of underlyings before and after" columns=${UNDERLYINGS} rows=${data.underlyings} rowKey=${(row) => row.underlying}
      empty="No underlying." /><//>
  </div>`;
}
