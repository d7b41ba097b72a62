/** @file Surface: implied vols by expiry and delta, their term structure, and how well the fit holds. */
import { html, useRef, useState } from '../lib/h.js';
import { useView, go } from '../lib/store.js';
import { Panel, Choice, Table, NA, useExport } from '../lib/panel.js';
import { useUnderlying } from '../lib/underlyings.js';
import { Fresh } from '../lib/fresh.js';
import { Heat } from '../lib/heat.js';
import { Chart } from '../lib/chart.js';
import { usePast } from '../lib/past.js';
import { points, fixed, move, price, percent, utc } from '../lib/format.js';

const absent = (row, show) => (row.refused ? html`<${NA} why=${row.refused} />` : show);
const maybe = (value, row, show) => (value === null || value === undefined
  ? html`<${NA} why=${row.refused ?? 'not known'} />` : show(value));

const FIT = [
  { key: 'expiry', title: 'expiry', value: (row) => row.expiry_text, head: true },
  { key: 'days', title: 'days', num: true, value: (row) => row.days, cell: (row) => fixed(row.days, 1) },
  { key: 'forward', title: 'forward', unit: 'USD', num: true, value: (row) => row.forward, cell: (row) => maybe(row.forward, row, price) },
  { key: 'forward_source', title: 'of', value: (row) => row.forward_source?.replace('_', ' '), hide: 'narrow' },
  { key: 'atm_vol', title: 'ATM', unit: 'vol points', num: true, value: (row) => row.atm_vol,
    cell: (row) => maybe(row.atm_vol, row, points) },
  { key: 'risk_reversal', title: '25Δ RR', unit: 'points', num: true, value: (row) => row.risk_reversal_25d_points,
    cell: (row) => maybe(row.risk_reversal_25d_points, row, (value) => move(value, 1)) },
  { key: 'butterfly', title: '25Δ BF', unit: 'points', num: true, value: (row) => row.butterfly_25d_points,
    cell: (row) => maybe(row.butterfly_25d_points, row, (value) => move(value, 2)) },
  { key: 'rmse', title: 'RMSE', unit: 'points', num: true, value: (row) => row.rmse_points,
    cell: (row) => maybe(row.rmse_points, row, (value) => fixed(value, 2)) },
  { key: 'inside', title: 'inside bid/ask', unit: '%', num: true, hide: 'narrow', value: (row) => row.inside_fraction,
    cell: (row) => maybe(row.inside_fraction, row, (value) => percent(value, 0)) },
  { key: 'quotes', title: 'quotes', unit: 'fitted / dropped', num: true, value: (row) => row.quotes_fitted,
    cell: (row) => `${row.quotes_fitted} / ${row.quotes_dropped}` },
  { key: 'state', title: 'fit', value: (row) => row.refused ?? 'fitted', cell: (row) => absent(row, 'fitted') },
];

/** Whether the fitted surface admits a riskless gain, in words. */
function Arbitrage({ found }) {
  if (!found) return null;
  const figures = `least density g ${fixed(found.least_g, 3)}, least calendar gap ${fixed(found.least_calendar_gap, 4)}`;
  if (found.free === null) return html`<span class="tag" title="no slice is fitted">arbitrage n/a</span>`;
  return html`<span class="tag ${found.free ? 'ok' : 'act'}"
      title=${figures}>${found.free ? '✓ free of arbitrage' : '✕ admits arbitrage'}</span>`;
}

function TermStructure({ family, underlying }) {
  const known = family.expiries.filter((one) => one.atm_vol !== null);
  if (known.length < 2) return html`<p class="empty">A term structure needs two fitted expiries.</p>`;
  const series = [
    { label: 'ATM', color: 'chart-1', values: known.map((one) => one.atm_vol * 100) },
  ];
  const wings = [
    { label: '25Δ risk reversal', color: 'chart-2', dash: [8, 4], values: known.map((one) => one.risk_reversal_25d_points) },
    { label: '25Δ butterfly', color: 'chart-4', dash: [2, 3], values: known.map((one) => one.butterfly_25d_points) },
  ];
  const shared = { x: known.map((one) => one.days), xFormat: (value) => fixed(value, 0), xUnit: 'days to expiry', yUnit: 'vol points' };
  return html`<div class="trends"><${Chart} ...${shared} label="${underlying} vol at the money by days to expiry" series=${series}
      height=${180} yFormat=${(value) => fixed(value, 1)} />
    <${Chart} ...${shared} label="${underlying} 25-delta risk reversal and butterfly by days to expiry" series=${wings}
      height=${180} hasZero yFormat=${(value) => move(value, 1)} /></div>`;
}

function Map({ family, underlying, isStale }) {
  const place = useRef(null);
  useExport(`surface-${underlying}-${family.currency}`, () => [
    ['expiry', 'days', 'forward', ...family.columns.map((column) => `vol ${column}`)],
    ...family.expiries.map((one) => [one.expiry, one.days, one.forward, ...one.vols]),
  ], place);
  const open = (index) => go('smile', { underlying, currency: family.currency, expiry: family.expiries[index].expiry });
  return html`<${Fresh} isStale=${isStale}><div ref=${place}><${Heat} label="${underlying} implied vols by expiry and delta" corner="expiry"
      columns=${family.columns}
    rows=${family.expiries.map((one) => ({ key: one.expiry, label: one.expiry_text,
        values: one.vols, why: one.refused, faint: one.is_extrapolated }))}
    format=${points} unit="vol points; * extrapolated" onPick=${open}
    describe=${(row, column) => {
      const one = family.expiries[row];
      if (one.refused) return `${one.expiry_text}: n/a, ${one.refused}`;
      return html`${one.expiry_text} (${fixed(one.days, 1)} d), ${family.columns[column]}: <b>${points(one.vols[column])}</b> vol points${one.is_extrapolated[column] ? ', extrapolated' : ''}; forward ${price(one.forward)}`;
    }} /></div><//>`;
}

/** Differences to the same expiry and delta of the former surface, in vol points. */
function changesOf(family, former) {
  const before = former?.data.families.find((one) => one.currency === family.currency);
  return family.expiries.map((one) => {
    const old = before?.expiries.find((other) => other.expiry === one.expiry);
    const why = one.refused ?? (old ? old.refused : 'it was not listed then');
    const values = one.vols.map((vol, index) => {
      const was = old?.vols[before.columns.indexOf(family.columns[index])];
      return vol === null || was === null || was === undefined ? null : (vol - was) * 100;
    });
    return { key: one.expiry, label: one.expiry_text, values, why };
  });
}

const SINCE = [[0, 'vol', 'vols as they are'], [1, 'change 1 h', 'against an hour before'], [24, 'change 24 h', 'against a day before']];

function ChangeMap({ family, underlying, hours }) {
  const past = usePast('surface', { underlying }, hours);
  const place = useRef(null);
  const rows = past.env ? changesOf(family, past.env) : [];
  useExport(`surface-change-${underlying}-${family.currency}`, () => [
    ['expiry', ...family.columns.map((column) => `change ${column} vol points`)], ...rows.map((row) => [row.key, ...row.values]),
  ], place);
  if (past.error) return html`<p class="empty">n/a: ${past.error}</p>`;
  if (!past.env) return html`<p class="reading">reading…</p>`;
  return html`<div ref=${place}><p class="note-text">Against ${utc(past.env.asof)}, record #${past.env.record}</p>
    <${Heat} label="change of ${underlying} implied vols by expiry and delta" corner="expiry" columns=${family.columns} isSigned
      rows=${rows}
      format=${(value) => move(value, 2)} unit="change, vol points"
      describe=${(row, column) => html`${rows[row].label}, ${family.columns[column]}: <b>${rows[row].values[column] === null ? `n/a (${rows[row].why ?? 'not quoted'})` : move(rows[row].values[column], 3)}</b> vol points`} /></div>`;
}

function Component({ params }) {
  const underlying = useUnderlying(params);
  const view = useView('surface', { underlying });
  const [currency, setCurrency] = useState(null);
  const [hours, setHours] = useState(0);
  const { data } = view;
  const family = data?.families.find((one) => one.currency === currency) ?? data?.families[0];
  const isStale = view.isStale(underlying);
  const stale = isStale ? [underlying] : [];
  const open = (row) => go('smile', { underlying, currency: family.currency, expiry: row.expiry });
  return html`<div class="view">
    <${Panel} title="${underlying} implied vol" unit="vol points" env=${view.env} error=${view.error} loading=${view.loading} stale=${stale}
      actions=${html`<${Arbitrage} found=${family?.arbitrage} /><${Choice} label="what is shown" options=${SINCE} value=${hours}
          onChange=${setHours} />${data?.families.length > 1 && html`<${Choice} label="quote currency"
        options=${data.families.map((one) => [one.currency, one.currency, `options quoted in ${one.currency}`])} value=${family.currency}
            onChange=${setCurrency} />`}`}>
      ${data && (family ? hours > 0 ? html`<${ChangeMap} family=${family} underlying=${underlying} hours=${hours} />`
          : html`<${Map} family=${family} underlying=${underlying} isStale=${isStale} />`
          : html`<p class="empty">No options of ${underlying} are quoted.</p>`)}
      <p class="caveat">Columns are deltas: 10P is the put of delta 0.10. ${hours > 0 ? 'Blue is up, orange is down.' : 'Colours span the 2nd to the 98th percentile. A click on a row opens its smile.'}</p>
    <//>
    ${family && html`
      <${Panel} title="Term structure" unit="vol points" env=${view.env} stale=${stale}><${Fresh} isStale=${isStale}><${TermStructure}
        family=${family} underlying=${underlying} /><//><//>
      <${Panel} title="Fit by expiry" env=${view.env} stale=${stale}><${Table} name="surface-fit"
        caption="quality of the fit of each expiry" columns=${FIT} rows=${family.expiries}
        rowKey=${(row) => row.expiry} open=${open} stale=${() => isStale} />
        ${(data.notes ?? []).map((note) => html`<p key=${note} class="caveat">${note}</p>`)}<//>`}
  </div>`;
}

export default { name: 'surface', title: 'Surface', letter: 'f', Component };
