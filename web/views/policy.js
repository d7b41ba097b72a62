/** @file The rules as they hold: limits, rules in plain words, rulebooks, and the text itself with its hash. */
import { html } from '../lib/h.js';
import { useView } from '../lib/store.js';
import { Panel, Table, NA } from '../lib/panel.js';
import { Limits } from './exposure.js';

const RULES = [
  { key: 'name', title: 'rule', head: true, value: (row) => row.name },
  { key: 'kind', title: 'kind', value: (row) => row.kind },
  { key: 'says', title: 'what it says', value: (row) => row.says,
    cell: (row) => html`<span class="wrap-text">${row.says}</span>` },
  { key: 'state', title: 'state', value: (row) => row.state,
    cell: (row) => html`<span class=${row.state === 'free' ? 'ok' : 'warn'}><span
      aria-hidden="true">${row.state === 'free' ? '●' : '◆'}</span> ${row.state.replaceAll('_', ' ')}</span>` },
  { key: 'why', title: 'why', value: (row) => row.why, cell: (row) => row.why ?? html`<span class="dim">-</span>` },
];

const RULEBOOKS = [
  { key: 'id', title: 'rulebook', head: true, value: (row) => row.id },
  { key: 'title', title: 'of', value: (row) => row.title },
  { key: 'venues', title: 'venues', value: (row) => row.venues.join(' ') },
  { key: 'parameter_hash', title: 'parameter hash', value: (row) => row.parameter_hash,
    cell: (row) => html`<code>${row.parameter_hash}</code>` },
];

/** Marks the parts of a TOML line; what it does not know stays plain. */
function Line({ text }) {
  if (/^\s*#/.test(text)) return html`<span class="comment">${text}</span>`;
  if (/^\s*\[/.test(text)) return html`<span class="section">${text}</span>`;
  const match = /^(\s*[\w."-]+\s*)=(.*)$/.exec(text);
  return match ? html`<span class="key">${match[1]}</span>=<span class="value">${match[2]}</span>` : text;
}

function Policy() {
  const view = useView('policy');
  const { data } = view;
  return html`<${Panel} title="Limits" ...${view}>${data && html`<${Limits} rows=${data.limits} />`}<//>
    <${Panel} title="Rules"
      ...${view}>${data && html`<${Table} name="rules" caption="rules" columns=${RULES} rows=${data.rules}
        rowKey=${(row) => row.name} empty="The policy has no rules: nothing is ever proposed." />`}<//>
    <${Panel} title="Rulebooks" note="by which margin is computed"
      ...${view}>${data && html`<${Table} name="rulebooks" caption="rulebooks" columns=${RULEBOOKS}
        rows=${(data.rulebooks ?? data.trading_rulebooks)} rowKey=${(row) => row.id} empty="None." />`}<//>
    <${Panel} title="Text"
      note=${data && html`hash <code>${data.hash}</code>${data.valid_from ? `, valid from ${data.valid_from}`
        : ''}${data.source ? `, ${data.source}` : ''}`} ...${view}>
      ${data && (data.text
        ? html`<pre class="text"
          tabindex="0">${data.text.split('\n').map((line, index) => html`<${Line} key=${index} text=${line} />${'\n'}`)}</pre>`
            : html`<${NA} why="the journal has no policy" />`)}<//>`;
}

export default { name: 'policy', title: 'Policy', letter: 'q', Component: Policy };
