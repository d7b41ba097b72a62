/** @file Smile: the fitted model of one expiry against every quote, with what was dropped and why. */
import { html, useMemo, useState } from '../lib/h.js';
import { useView } from '../lib/store.js';
import { Panel, Table, NA } from '../lib/panel.js';
import { useUnderlying } from '../lib/underlyings.js';
import { Fresh } from '../lib/fresh.js';
import { Chart } from '../lib/chart.js';
import { points, fixed, move, price } from '../lib/format.js';

const vol = (key, title) => ({
  key, title, unit: 'vol points', num: true, value: (row) => row[key],
  cell: (row) => (row[key] === null ? html`<${NA} why=${row.dropped ?? 'not quoted'} />` : points(row[key])),
});
/** How far the middle of the quote is from the model. */
const residual = (row) => (row.mid_vol === null || row.model_vol === null ? null : (row.mid_vol - row.model_vol) * 100);
const isOutside = (row) => row.dropped === null && row.model_vol !== null
  && ((row.bid_vol !== null && row.model_vol < row.bid_vol) || (row.ask_vol !== null && row.model_vol > row.ask_vol));

const QUOTES = [
  { key: 'instrument', title: 'instrument', value: (row) => row.instrument, head: true },
  { key: 'venue', title: 'venue', value: (row) => row.venue, hide: 'narrow' },
  { key: 'strike', title: 'strike', unit: 'USD', num: true, value: (row) => row.strike, cell: (row) => price(row.strike) },
  { key: 'log_moneyness', title: 'ln(K/F)', num: true, hide: 'narrow', value: (row) => row.log_moneyness,
    cell: (row) => move(row.log_moneyness, 3) },
  vol('bid_vol', 'bid'), vol('ask_vol', 'ask'), vol('model_vol', 'model'),
  { key: 'residual', title: 'mid − model', unit: 'vol points', num: true, value: residual, cell: (row) => (residual(row) === null
    ? html`<${NA} why=${row.dropped ?? 'no middle'} />` : move(residual(row), 2)) },
  { key: 'use', title: 'use', value: (row) => row.dropped ?? (isOutside(row) ? 'model outside bid/ask' : 'fitted'),
    cell: (row) => (row.dropped ? html`<span class="na">○ dropped: ${row.dropped.replaceAll('_', ' ')}</span>` : isOutside(row)
        ? html`<span class="tag warn">model outside</span>` : 'fitted') },
];

function Drawing({ data }) {
  const { model, quotes } = data;
  // One x for all points of the model: the extrapolated wings are a second, dashed line that meets the first.
  const line = (isWing) => model.map((point, index) => {
    const touches = isWing && (model[index - 1]?.is_extrapolated || model[index + 1]?.is_extrapolated);
    return point.is_extrapolated === isWing || touches ? point.vol * 100 : null;
  });
  const series = [{ label: 'model', color: 'chart-1', values: line(false) }];
  if (model.some((point) => point.is_extrapolated)) series.push({ label: 'extrapolated', color: 'chart-1', dash: [4, 4], width: 1.5,
      values: line(true) });
  const whiskers = quotes.map((quote) => ({
    x: quote.log_moneyness, isHollow: quote.dropped !== null,
    low: quote.bid_vol === null ? null : quote.bid_vol * 100, high: quote.ask_vol === null ? null : quote.ask_vol * 100,
  }));
  const far = [...model, ...quotes.filter((quote) => quote.dropped === null)].map((one) => one.log_moneyness);
  const strikeOf = (x) => data.forward * Math.exp(x);
  return html`<${Chart} label="${data.underlying} ${data.expiry_text} smile: model and quotes by log moneyness"
      x=${model.map((point) => point.log_moneyness)}
    series=${series} whiskers=${whiskers} height=${Math.max(300, Math.min(560, innerHeight - 420))} xUnit="ln(K/F)" yUnit="vol points"
        xFormat=${(value) => move(value, 2)} yFormat=${(value) => fixed(value, 1)}
    readoutX=${(value) => `${move(value, 3)} (strike ${price(strikeOf(value))})`} figure=${(value) => fixed(value, 2)}
    xRange=${[Math.min(...far), Math.max(...far)]} lines=${[{ x: 0, text: `forward ${price(data.forward)}`, color: 'chart-mark',
        dash: [3, 4] }]} />`;
}

function Component({ params }) {
  const underlying = useUnderlying(params);
  const [picked, setPicked] = useState({});
  // A choice belongs to its underlying: another one starts again from the address, or from its first expiry.
  const own = picked.underlying === underlying ? picked : params?.underlying === underlying ? params : {};
  const view = useView('smile', { underlying, currency: own.currency ?? null, expiry: own.expiry ?? null });
  const { data } = view;
  const isStale = view.isStale(underlying);
  const counts = useMemo(() => ({
    fitted: data?.quotes.filter((quote) => quote.dropped === null).length ?? 0,
    outside: data?.quotes.filter(isOutside).length ?? 0,
  }), [data]);
  const keyOf = (choice) => `${choice.currency} ${choice.expiry}`;
  const chosen = data && keyOf(data);
  const step = (by) => {
    const index = data.choices.findIndex((choice) => keyOf(choice) === chosen) + by;
    if (data.choices[index]) setPicked({ ...data.choices[index], underlying });
  };
  return html`<div class="view">
    <${Panel} title="${underlying} ${data?.expiry_text ?? ''} smile" unit="vol points" env=${view.env} error=${view.error}
      loading=${view.loading} stale=${isStale ? [underlying] : []}
      note=${data && `${counts.fitted} quotes fitted, ${data.quotes.length - counts.fitted} dropped, model outside bid/ask at ${counts.outside}`}
      actions=${data && html`<button type="button" class="chip" aria-label="expiry before" onClick=${() => step(-1)}>‹</button>
        <label><span class="sr">expiry</span><select value=${chosen}
          onChange=${(event) => setPicked({ ...data.choices.find((choice) => keyOf(choice) === event.currentTarget.value), underlying })}>
          ${data.choices.map((choice) => html`<option key=${keyOf(choice)}
              value=${keyOf(choice)}>${choice.expiry_text} ${choice.currency}</option>`)}</select></label>
        <button type="button" class="chip" aria-label="expiry after" onClick=${() => step(1)}>›</button>`}>
      ${data?.refused && html`<p class="trouble"><b>no fit</b> ${data.refused}</p>`}
      ${data && data.model.length > 0 && html`<${Fresh} isStale=${isStale}><${Drawing} data=${data} /><//>
        <p class="caveat">Whiskers: bid and ask of each quote; dashed and dim: dropped, the reason is in the table. Dashed line: extrapolated.</p>`}
    <//>
    ${data && html`<${Panel} title="Quotes" env=${view.env} stale=${[]}><${Table} name="smile-quotes"
        caption="quotes of this expiry against the model" columns=${QUOTES} rows=${data.quotes}
      rowKey=${(row) => `${row.venue} ${row.instrument}`} sort=${{ key: 'strike' }} stale=${() => isStale} empty="No quotes." /><//>`}
  </div>`;
}

export default { name: 'smile', title: 'Smile', letter: 'i', Component };
