/** @file Stress: named scenarios by the size of what they cost, and what in the book they hit. */
import { html, useState } from '../lib/h.js';
import { useView } from '../lib/store.js';
import { Panel, Choice, Amount } from '../lib/panel.js';
import { Tornado } from '../lib/bars.js';
import { short, full, worded } from '../lib/format.js';

/** Parts of a scenario that the server may say apart. */
const EXTRAS = [['spot_only_usd', 'by spot alone'], ['vol_only_usd', 'by vol alone'], ['venue_loss_usd', 'lost with venues'], ['delta_after_usd', 'cash delta after']];

/** @param {string} text @returns {string} a sentence */
const sentence = (text) => text.replace(/\.?$/, '.');

const barsOf = (figures) => Object.entries(figures ?? {}).map(([key, text]) => ({ key, label: key, text }))
  .sort((a, b) => Math.abs(Number(b.text)) - Math.abs(Number(a.text)));

function Details({ scenario, env: whole }) {
  const name = worded(scenario.name);
  // The envelope speaks of all scenarios; here only this one counts.
  const env = { ...whole, partial: scenario.partial ?? whole.partial };
  return html`<div class="view">
    <${Panel} title=${name} unit="USD" env=${env}>
      <dl class="facts">
        <div><dt>P&L, USD</dt><dd><${Amount} text=${scenario.pnl_usd} unit="USD" /></dd></div>
        ${EXTRAS.map(([key, word]) => scenario[key] != null && html`<div key=${key}><dt>${word}, USD</dt><dd><${Amount}
            text=${scenario[key]} unit="USD" /></dd></div>`)}
        <div><dt>cause</dt><dd>${scenario.cause ?? html`<span class="dim">not said</span>`}</dd></div>
      </dl>
      <p class="caveat">Source: ${sentence(scenario.source)}</p>
      ${scenario.caveat && html`<p class="caveat"><b>Caveat:</b> ${sentence(scenario.caveat)}</p>`}
      ${scenario.partial && html`<p class="warn">▲ partial: something held has no value under this scenario and is in no figure here.</p>`}
    <//>
    ${Object.keys(scenario.by_underlying ?? {}).length > 0 && html`<${Panel} title="By underlying" env=${env} level=${3}><${Tornado}
        caption="${name} by underlying" unit="P&L, USD"
      rows=${barsOf(scenario.by_underlying)} name="stress-underlyings" head="underlying" /><//>`}
    ${Object.keys(scenario.by_venue ?? {}).length > 0 && html`<${Panel} title="By venue" env=${env} level=${3}><${Tornado} caption="${name} by venue" unit="P&L, USD"
        rows=${barsOf(scenario.by_venue)} name="stress-venues" head="venue" /><//>`}
    ${scenario.by_venue === null && html`<p class="caveat">By venue: n/a, what one venue holds by itself is beyond the range of figures.</p>`}
    ${scenario.worst_lines?.length > 0 && html`<${Panel} title="What loses most" env=${env} level=${3}><${Tornado}
        caption="what loses most under ${name}, netted over venues" unit="P&L, USD" name="stress-lines" head="contract or asset"
      rows=${scenario.worst_lines.map((one) => ({ key: one.line, label: one.line, text: one.pnl_usd }))} /><//>`}
  </div>`;
}

function Component({ params }) {
  const view = useView('stress');
  const [picked, setPicked] = useState(params?.scenario ?? null);
  const [cause, setCause] = useState('all');
  const all = view.data?.scenarios ?? [];
  const causes = [...new Set(all.map((one) => one.cause).filter(Boolean))];
  const shown = all.filter((one) => cause === 'all' || one.cause === cause);
  const chosen = shown.find((one) => one.name === picked) ?? shown[0];
  const worst = all.reduce((found, one) => (one.pnl_usd !== null && (!found || Number(one.pnl_usd) < Number(found.pnl_usd)) ? one : found), null);
  return html`<div class="view"><div class="pair wide-left">
    <${Panel} title="Stress scenarios" unit="P&L, USD" env=${view.env} error=${view.error} loading=${view.loading} note=${worst
      && html`worst: ${worded(worst.name)} <b title=${full(worst.pnl_usd)}>${short(worst.pnl_usd)}</b>`}
      actions=${causes.length > 1 && html`<${Choice} label="cause" options=${[['all', 'all'], ...causes.map((name) => [name, name])]}
          value=${cause} onChange=${setCause} />`}>
      ${shown.length > 0 && html`<${Tornado} caption="P&L of the book under each scenario, largest first" unit="P&L, USD" name="stress"
          head="scenario" chosen=${chosen?.name} onChoose=${setPicked}
        rows=${shown.map((one) => ({
          key: one.name, label: worded(one.name), text: one.pnl_usd, title: [one.source, one.caveat].filter(Boolean).join('. '),
          tag: html`${one.cause && html`<span class="tag">${one.cause}</span>`} ${one.partial
              && html`<span class="tag warn">▲ partial</span>`}`,
        }))} />`}
      ${view.data && !shown.length && html`<p class="empty">No scenarios.</p>`}
      <p class="caveat">Every contract is priced anew under each scenario. Sorted by size, loss or gain.</p>
    <//>
    ${chosen && html`<${Details} scenario=${chosen} env=${view.env} />`}
  </div></div>`;
}

export default { name: 'stress', title: 'Stress', letter: 's', Component };
