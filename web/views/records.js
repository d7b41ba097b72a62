/** @file One record of the journal: what happened, what the engine said to it, and the proof that it is under the head. */
import { html, useEffect, useState } from '../lib/h.js';
import { book, get, go, address, useView } from '../lib/store.js';
import { session } from '../lib/session.js';
import { useKeys } from '../lib/keys.js';
import { saveFile } from '../lib/exports.js';
import { Panel, Table } from '../lib/panel.js';
import { utc, worded } from '../lib/format.js';

const OUTPUTS = [
  { key: 'index', title: 'output', num: true, value: (row) => row.index },
  { key: 'kind', title: 'kind', value: (row) => row.kind, cell: (row) => (row.kind ?? '').replaceAll('_', ' ') },
  { key: 'text', title: 'text', head: true, value: (row) => row.text,
    cell: (row) => html`<span class="wrap-text">${worded(row.text)}</span>` },
];

/** Reads again when the number changes; nothing of the former record stays. */
function useAnswer(path) {
  const [state, setState] = useState({ path: null, answer: null, error: null });
  useEffect(() => {
    if (!path) return undefined;
    let isWanted = true;
    get(path).then(
      (body) => isWanted && setState({ path, answer: body.data ?? body, error: null }),
      (error) => isWanted && setState({ path, answer: null, error }),
    );
    return () => { isWanted = false; };
  }, [path]);
  return state.path === path ? state : { path, answer: null, error: null };
}

function Proof({ record }) {
  const { answer, error } = useAnswer(`/v1/records/${record}/proof`);
  return html`<${Panel} title="Proof" note="that this record, unchanged, is under the head" error=${error}>
    ${answer ? html`${answer.head && html`<dl class="terms"><dt>head</dt><dd class="mono">${answer.head}</dd></dl>`}
      <pre class="text wrap" tabindex="0">${answer.proof}</pre>
      <p>Anybody checks it without this server: <code>${answer.check}</code></p>
      <p class="filters"><button type="button" class="chip strong"
        onClick=${() => saveFile(`record-${record}.proof`, answer.proof, 'text/plain')}>save the proof</button></p>` : !error
          && html`<p class="reading">reading…</p>`}
  <//>`;
}

function Records({ id }) {
  const { env } = useView('overview', {}, { isAlwaysLive: true });
  const newest = env?.record ?? session.value?.last_record ?? null;
  const first = session.value?.first_record ?? 1;
  const number = id === null ? newest : Number(id);
  const isNumber = Number.isInteger(number) && number >= 1;
  // Without a number in the address the newest is shown once and then stays: it would be gone before it is read.
  useEffect(() => { if (id === null && newest !== null) location.replace(address('records', { id: newest })); }, [id,
    newest !== null]);
  const { answer, error } = useAnswer(id !== null && isNumber ? `/v1/records/${number}` : null);
  const [typed, setTyped] = useState('');
  const step = (by) => () => {
    const next = number + by;
    if (next >= first && (newest === null || next <= newest)) go('records', { id: next });
  };
  useKeys({ j: step(1), k: step(-1) });
  return html`<${Panel} title=${`Record ${isNumber ? number : ''}`} note=${`the journal has ${first} to ${newest ?? '?'}`}
      error=${id !== null && !isNumber ? new Error(`“${id}” is not the number of a record`) : error}
      actions=${html`<form class="filters" onSubmit=${(event) => {
        event.preventDefault();
        if (typed) go('records', { id: typed.replace('#', '') });
      }}><label class="field">number <input type="text" inputmode="numeric" size="8" value=${typed}
        onInput=${(event) => setTyped(event.currentTarget.value)} /></label>
        <button type="submit" class="chip">show</button></form>`}>
    <p class="filters"><button type="button" class="chip" disabled=${number <= first}
      onClick=${step(-1)}>◂ earlier <kbd>k</kbd></button>
      <button type="button" class="chip" disabled=${newest !== null && number >= newest}
        onClick=${step(1)}>later <kbd>j</kbd> ▸</button>
      <button type="button" class="chip strong" disabled=${!isNumber}
        onClick=${() => { book.at.value = number; }}>↺ show the book at this record</button></p>
    ${answer ? html`<dl class="terms"><dt>time</dt><dd>${utc(answer.time)}</dd><dt>kind</dt>
      <dd>${(answer.kind ?? '').replaceAll('_', ' ')}</dd><dt>event</dt><dd><b>${answer.event}</b></dd>
      ${answer.state_hash && html`<dt>state hash</dt><dd class="mono">${answer.state_hash}</dd>`}</dl>
      <h3>What the engine said</h3><${Table} name=${`record-${number}`} caption="outputs" columns=${OUTPUTS}
        rows=${answer.outputs} rowKey=${(row) => String(row.index)}
          empty="Nothing: the event changed no level and asked for nothing." />`
      : !error && isNumber && html`<p class="reading">reading…</p>`}
  <//>
  ${answer && html`<${Proof} record=${number} key=${number} />`}`;
}

export default { name: 'records', title: 'Records', letter: 'j', Component: Records };
