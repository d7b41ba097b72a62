/** @file What restricts the book by hand: its state, arming, the kill switch. Each asks before it does. */
import { html, useState } from '../lib/h.js';
import { post, useView } from '../lib/store.js';
import { whyNot, setToken, token, session } from '../lib/session.js';
import { openDialog, say } from '../lib/dialog.js';

const STATES = [
  ['normal', 'orders as the rules say'],
  ['warn', 'as normal, and everybody is told'],
  ['reduce_only', 'only what makes the book smaller'],
  ['paused', 'no new orders'],
  ['flatten', 'close what can be closed'],
];

/** Sends an act, says what came of it. @returns {Promise<string|null>} the trouble, or null */
export async function act(path, body, done) {
  try {
    const answer = await post(path, body);
    say(`${done} (record #${answer.record})`, 'ok');
    return null;
  } catch (error) {
    return `${error.message}${error.hint ? `. ${error.hint}` : ''}`;
  }
}

/** Says why an act is not possible here and lets the token be given. */
export function Permission({ reason }) {
  const [text, setText] = useState('');
  if (!reason) return null;
  return html`<div class="permission"><p><b aria-hidden="true">▲</b> ${reason}</p>
    ${session.value?.mode !== 'finished' && html`<form onSubmit=${(event) => {
      event.preventDefault();
      setToken(text.trim());
      setText('');
    }}><label class="field">token <input type="password" autocomplete="off" value=${text}
      onInput=${(event) => setText(event.currentTarget.value)} /></label>
    <button type="submit" class="chip">use it in this tab</button></form>`}</div>`;
}

function Kill({ close }) {
  const [typed, setTyped] = useState('');
  const [trouble, setTrouble] = useState(null);
  const [isSending, setSending] = useState(false);
  const reason = whyNot('kill');
  const submit = async (event) => {
    event.preventDefault();
    if (typed !== 'KILL' || reason || isSending) return;
    setSending(true);
    const failed = await act('/v1/kill', { confirm: 'KILL' }, 'killed: paused and disarmed');
    setSending(false);
    if (failed) setTrouble(failed);
    else close();
  };
  return html`<h2>Kill switch</h2>
    <p>The book is <b>paused</b>: no new orders. The rules are <b>disarmed</b>: nothing is sent without a person. Positions stay as they are. The act is a record of the journal; a person with the role risk can undo it.</p>
    <${Permission} reason=${reason} />
    <form onSubmit=${submit}>
      <label class="field tall">type KILL <input type="text" autocomplete="off" spellcheck="false" autofocus value=${typed}
        disabled=${Boolean(reason)}
        onInput=${(event) => setTyped(event.currentTarget.value)} /></label>
      ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
      <div class="actions"><button type="button" class="chip" onClick=${close}>cancel</button>
        <button type="submit" class="kill"
          disabled=${typed !== 'KILL' || Boolean(reason) || isSending}>pause and disarm</button></div>
    </form>`;
}

function Controls({ close }) {
  const { data } = useView('overview', {}, { isAlwaysLive: true });
  const [state, setState] = useState(null);
  const [why, setWhy] = useState('');
  const [trouble, setTrouble] = useState(null);
  const noState = whyNot('state');
  const noArming = whyNot('arming');
  const chosen = state ?? data?.state ?? 'normal';
  const send = async (path, body, done) => setTrouble(await act(path, body, done));
  return html`<h2>State of the book</h2>
    ${data && html`<p>Now <b>${data.state.replaceAll('_', '-')}</b>${data.because?.length
      ? html`, because of ${data.because.join(', ')}` : ''}; the rules are <b>${data.is_armed ? 'armed'
        : 'disarmed'}</b>. The strictest of what limits, triggers and a person ask for holds.</p>`}
    <${Permission} reason=${noState} />
    <form onSubmit=${(event) => {
      event.preventDefault();
      send('/v1/state', { state: chosen, reason: why }, `state asked for: ${chosen.replaceAll('_', '-')}`);
    }}>
      <fieldset disabled=${Boolean(noState)}><legend>ask for a state</legend>
        ${STATES.map(([key, text]) => html`<label class="option" key=${key}><input type="radio" name="state" value=${key}
          checked=${chosen === key} onChange=${() => setState(key)} />
          <b>${key.replaceAll('_', '-')}</b> <span class="dim">${text}</span></label>`)}
        <label class="field tall">reason <input type="text" required value=${why}
          onInput=${(event) => setWhy(event.currentTarget.value)} /></label>
        <div class="actions"><button type="button" class="chip" disabled=${!why}
          onClick=${() => send('/v1/state', { state: null, reason: why },
            'back to what the limits say')}>back to what limits say</button>
          <button type="submit" class="chip strong" disabled=${!why}>ask for ${chosen.replaceAll('_', '-')}</button></div>
      </fieldset></form>
    <fieldset disabled=${Boolean(noArming)}><legend>arming</legend>
      <p class="dim">Armed, rules whose policy allows it send orders without asking. A restart disarms.</p>
      <div class="actions">${data?.is_armed
        ? html`<button type="button" class="chip strong"
          onClick=${() => send('/v1/arming', { armed: false }, 'disarmed')}>disarm</button>`
        : html`<button type="button" class="chip strong"
          onClick=${() => send('/v1/arming', { armed: true }, 'armed')}>arm</button>`}</div></fieldset>
    ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
    <div class="actions">${token.value
      && html`<button type="button" class="chip" onClick=${() => setToken('')}>forget the token</button>`}
      <button type="button" class="chip" onClick=${close}>close</button></div>`;
}

export const openKill = () => openDialog((close) => html`<${Kill} close=${close} />`, 'kill switch');
export const openControls = () => openDialog((close) => html`<${Controls} close=${close} />`, 'state of the book');
