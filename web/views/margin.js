/** @file Margin: what each account uses of what counts for it, and why: scenarios, charges, collateral. */
import { html, useState } from '../lib/h.js';
import { useView, go } from '../lib/store.js';
import { Panel, Table, Amount, NA, UseBar } from '../lib/panel.js';
import { Tornado } from '../lib/bars.js';
import { percent, full, short, utc, worded } from '../lib/format.js';

const keyOf = (row) => `${row.account}@${row.venue}`;
const why = (row) => row.why_not ?? 'not known';
const usd = (key, title, hide) => ({
  key, title, unit: 'USD', num: true, hide, value: (row) => row[key],
  cell: (row) => html`<${Amount} text=${row[key]} unit="USD" why=${why(row)} plain />`,
});

/** Levels of use that deserve a word: the same at which the overview speaks. */
const HARD = 0.9;
const WARN = 0.7;
const levelOf = (use) => (use >= HARD ? 'hard' : use >= WARN ? 'warn' : 'inside');

const ACCOUNTS = [
  { key: 'account', title: 'account', value: keyOf, head: true },
  { key: 'rulebook', title: 'rulebook', hide: 'narrow', value: (row) => row.rulebook,
    cell: (row) => row.rulebook ?? html`<${NA} why=${why(row)} />`,
        hover: (row) => row.rulebook && `${row.rulebook_title}, parameters ${row.parameter_hash}` },
  { key: 'maintenance_use', title: 'maintenance use', unit: 'bar: maintenance, tick: initial', value: (row) => row.maintenance_use,
    cell: (row) => html`<${UseBar} share=${row.maintenance_use} tick=${row.initial_use}
        level=${row.maintenance_use === null ? null : levelOf(row.maintenance_use)} label="maintenance use of ${keyOf(row)}" />` },
  { key: 'maintenance_percent', title: 'maint.', unit: '% of counted', num: true, value: (row) => row.maintenance_use,
    cell: (row) => (row.maintenance_use === null ? html`<${NA} why=${why(row)} />` : percent(row.maintenance_use)) },
  { key: 'initial_percent', title: 'initial', unit: '% of counted', num: true, hide: 'narrow', value: (row) => row.initial_use,
    cell: (row) => (row.initial_use === null || row.initial_use === undefined
        ? html`<${NA} why=${why(row)} />` : percent(row.initial_use)) },
  usd('equity_usd', 'equity'), usd('counted_usd', 'counted', 'narrow'), usd('initial_margin_usd', 'initial margin', 'narrow'),
  usd('maintenance_margin_usd', 'maint. margin'), usd('surplus_usd', 'surplus'),
  { key: 'worst', title: 'worst scenario', value: (row) => row.worst && `${row.worst.unit} ${row.worst.scenario}`, hide: 'narrow',
    cell: (row) => (row.worst ? html`${row.worst.unit} ${worded(row.worst.scenario)} <${Amount} text=${row.worst.pnl_usd} unit="USD" />`
        : html`<${NA} why=${row.why_not ?? 'the rulebook has no scenarios'} />`) },
];

const TOTALS = [['equity_usd', 'equity'], ['initial_margin_usd', 'initial margin'], ['maintenance_margin_usd', 'maintenance margin']];

const COLLATERAL = [
  { key: 'asset', title: 'asset', value: (row) => row.asset, head: true },
  { key: 'amount', title: 'amount', unit: 'asset', num: true, value: (row) => row.amount, cell: (row) => full(row.amount) },
  usd('value_usd', 'value'), usd('counted_usd', 'counted'),
  { key: 'haircut', title: 'haircut', unit: '%', num: true, value: (row) => row.haircut,
    cell: (row) => (row.haircut === null ? html`<${NA} why="it is worth nothing" />` : percent(row.haircut)) },
];
const CHARGES = [
  { key: 'unit', title: 'unit', value: (row) => row.unit, head: true },
  { key: 'name', title: 'charge', value: (row) => row.name },
  usd('initial_usd', 'initial'), usd('maintenance_usd', 'maintenance'),
];

/** What the margin of one account is made of; asked for only while it is looked at. */
function Details({ name }) {
  const { env, data, error, loading } = useView('margin', name);
  const account = data?.accounts[0];
  const made = data?.details[0];
  if (!account || !made) return html`<${Panel} title=${keyOf(name)} env=${env} error=${error} loading=${loading} />`;
  if (account.why_not && !made.units.length && !made.collateral.length) {
    return html`<${Panel} title=${keyOf(account)} env=${env}><p class="trouble"><b>not margined</b> ${account.why_not}</p><//>`;
  }
  const charges = made.units.flatMap((unit) => unit.charges.map((charge) => ({ ...charge, unit: unit.name })));
  const scenarios = made.units.flatMap((unit) => unit.scenarios.map((scenario) => {
    const key = `${unit.name} ${scenario.name}`;
    const isWorst = account.worst?.unit === unit.name && account.worst?.scenario === scenario.name;
    return { key, label: worded(key), text: scenario.pnl_usd, tag: isWorst && html`<span class="tag">worst</span>` };
  }));
  return html`<div class="pair">
    <${Panel} title="${keyOf(account)}: scenarios" unit="USD" env=${env} note=${account.rulebook_title}>
      ${scenarios.length ? html`<${Tornado} caption="P&L of ${keyOf(account)} under each margin scenario" unit="P&L, USD" rows=${scenarios}
          name="margin-scenarios" head="scenario" />`
        : html`<p class="empty">This rulebook has no scenarios.</p>`}
    <//>
    <div class="view">
      <${Panel} title="Charges" env=${env}><${Table} name="margin-charges" isSecond caption="charges that make the margin"
        columns=${CHARGES} rows=${charges}
        rowKey=${(row) => `${row.unit} ${row.name}`} empty="No charges beside the scenarios." /><//>
      <${Panel} title="Collateral" env=${env}><${Table} name="margin-collateral" isSecond caption="collateral and what counts of it"
        columns=${COLLATERAL} rows=${made.collateral}
        rowKey=${(row) => row.asset} empty="No collateral." />
        ${account.why_not && html`<p class="warn">▲ ${account.why_not}</p>`}
        ${account.unmargined > 0 && html`<p
            class="warn">▲ ${account.unmargined} positions are outside this rulebook and in no figure here.</p>`}
        ${made.notes.map((note) => html`<p class="caveat" key=${note}>${note}</p>`)}
        <p class="caveat">Rulebook ${account.rulebook}, parameters <code>${account.parameter_hash}</code></p><//>
    </div>
  </div>`;
}

function Component({ params }) {
  const view = useView('margin');
  const { data } = view;
  const named = params?.account && params?.venue ? `${params.account}@${params.venue}` : null;
  const [picked, setPicked] = useState(null);
  const worstFirst = [...(data?.accounts ?? [])].sort((a, b) => (b.maintenance_use ?? -1) - (a.maintenance_use ?? -1));
  const chosen = worstFirst.find((row) => keyOf(row) === (picked ?? named)) ?? worstFirst[0];
  return html`<div class="view">
    <${Panel} title="Margin by account" env=${view.env} error=${view.error} loading=${view.loading}
      note=${data && `computed at ${utc(data.computed_at)}`}
      actions=${html`<button type="button" class="chip" onClick=${() => go('liquidation')}>distance to liquidation</button>`}>
      ${data && html`<dl class="facts">${TOTALS.map(([key, word]) => html`<div key=${key}><dt>${word} of all accounts, USD</dt><dd
          title=${full(data.total[key])}>${short(data.total[key])}</dd></div>`)}</dl>
      <${Table} name="margin" caption="margin of each account" columns=${ACCOUNTS} rows=${data.accounts} rowKey=${keyOf}
        sort=${{ key: 'maintenance_use', descending: true }} stale=${(row) => row.is_stale} select=${(row) => setPicked(keyOf(row))}
            open=${(row) => setPicked(keyOf(row))}
        rowClass=${(row) => (chosen && keyOf(row) === keyOf(chosen) ? 'chosen' : '')} empty="No account is margined." />`}
      <p class="caveat">Use is margin as a share of what counts of the collateral; at 100 % maintenance the account is liquidated. Each venue's own rulebook; margin is not shared between accounts.</p>
    <//>
    ${chosen && html`<${Details} key=${keyOf(chosen)} name=${{ account: chosen.account, venue: chosen.venue }} />`}
  </div>`;
}

export default { name: 'margin', title: 'Margin', letter: 'm', Component };
