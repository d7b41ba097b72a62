/** @file An order by hand: it becomes a proposal with its effects, and goes once that is approved like any other. */
import { html, useEffect, useRef, useState } from '../lib/h.js';
import { book, go, post } from '../lib/store.js';
import { whyNot, session } from '../lib/session.js';
import { openDialog, say } from '../lib/dialog.js';
import { Permission } from '../shell/controls.js';
import { usePositions, isPart } from '../lib/positions.js';
import { Names } from './whatif-form.js';

/** @typedef {{account: string, venue: string, chain: string, instrument: string, side: 'buy'|'sell', size: string, limit: string, reason: string}} Draft */

/** @type {Draft} */
const EMPTY = { account: '', venue: '', chain: 'offchain', instrument: '', side: 'buy', size: '', limit: '', reason: '' };
const WORDS = [['account', 'account', 'names-account'], ['venue', 'venue', 'names-venue'], ['chain', 'chain', 'names-chain'],
  ['instrument', 'instrument', 'names-instrument']];

const plain = (text) => text.trim().replaceAll('\u2009', '').replaceAll(' ', '');
const isPositive = (text) => /^\d+(\.\d+)?$/.test(plain(text)) && Number(plain(text)) > 0;

/** @param {Draft} draft @returns {string|null} what is wrong with it, in words */
function fault(draft) {
  const missing = WORDS.find(([key]) => !draft[key].trim());
  if (missing) return `${missing[1]} is missing`;
  if (!isPositive(draft.size)) return 'size: a number above zero; the side says which way';
  if (draft.limit.trim() && !isPositive(draft.limit)) return 'limit: a price above zero, or nothing';
  return null;
}

/** @param {Draft} draft @returns {object} the body of the request */
const requestOf = (draft) => ({
  account: draft.account.trim(),
  venue: draft.venue.trim(),
  chain: draft.chain.trim(),
  symbol: draft.instrument.trim(),
  quantity: `${draft.side === 'sell' ? '-' : ''}${plain(draft.size)}`,
  limit_price: draft.limit.trim() ? plain(draft.limit) : null,
  reason: draft.reason.trim(),
});

const NOWHERE = { account: '', venue: '', chain: 'offchain' };

/** @returns {object|null} the one place where the instrument is held; null where there is none, or several */
function placeOf(instrument, data) {
  const held = data.rows.filter((row) => row.kind !== 'balance' && row.instrument === instrument);
  if (held.length !== 1 || isPart(data)) return null;
  const [{ account, venue, chain }] = held;
  return { account, venue, chain };
}

/**
 * Fills in the place of the instrument that was typed whole, as long as the person has typed none: an instrument on its way
 * to another name is of no venue.
 */
function usePlace(instrument, setDraft) {
  const data = usePositions(instrument ? { find: instrument, limit: 50 } : { limit: 0 }, { isAlwaysLive: true }).data;
  const filled = useRef({ of: '', place: NOWHERE });
  useEffect(() => {
    if (!data || filled.current.of === instrument) return;
    const place = (instrument && placeOf(instrument, data)) || NOWHERE;
    const before = filled.current.place;
    filled.current = { of: instrument, place };
    setDraft((draft) => (['account', 'venue', 'chain'].every((key) => draft[key] === before[key]) ? { ...draft, ...place }
      : draft));
  }, [instrument, data]);
}

function Ticket({ preset, close }) {
  const [draft, setDraft] = useState({ ...EMPTY, ...preset });
  const [instrument, setInstrument] = useState(draft.instrument);
  usePlace(instrument, setDraft);
  const [trouble, setTrouble] = useState(null);
  const [isSending, setSending] = useState(false);
  const reason = whyNot('order');
  const set = (key) => (event) => {
    const { value } = event.currentTarget;
    setDraft((before) => ({ ...before, [key]: value }));
  };
  const submit = async (event) => {
    event.preventDefault();
    const wrong = fault(draft);
    setTrouble(wrong);
    if (wrong || reason || isSending) return;
    setSending(true);
    try {
      const answer = await post('/v1/orders', requestOf(draft));
      say(`${answer.proposal} waits for an approval (record #${answer.record})`, 'ok');
      close();
      go('proposals', { find: answer.proposal });
    } catch (error) {
      setTrouble([error.message, error.hint].filter(Boolean).join('. '));
    } finally {
      setSending(false);
    }
  };
  const field = ([key, word, list]) => html`<label key=${key}>${word}<input type="text" list=${list} autocomplete="off"
    spellcheck="false" size=${key === 'instrument' ? 24 : 12} autofocus=${key === 'instrument'} value=${draft[key]} onInput=${set(key)}
    onChange=${key === 'instrument' ? (event) => setInstrument(event.currentTarget.value.trim()) : undefined} /></label>`;
  return html`<h2>Order by hand</h2>
    <p>It goes through the same bounds as what rules ask for and becomes a proposal with its effects on limits and margin. Nothing
      is sent before that is approved.</p>
    <${Permission} reason=${reason} /><${Names} />
    <form class="ticket" onSubmit=${submit}><fieldset disabled=${Boolean(reason)}><legend>what and where</legend>
        <div class="bar-form">${[WORDS[3], WORDS[0], WORDS[1], WORDS[2]].map(field)}</div></fieldset>
      <fieldset disabled=${Boolean(reason)}><legend>how much</legend>
        <div class="bar-form"><span class="sides" role="radiogroup" aria-label="side">${['buy', 'sell'].map((side) => html`<label
            key=${side} class=${side}><input type="radio" name="side" value=${side} checked=${draft.side === side}
            onChange=${set('side')} /> ${side}</label>`)}</span>
          <label>size<input type="text" inputmode="decimal" autocomplete="off" size="12" value=${draft.size}
            onInput=${set('size')} /></label>
          <label>limit<input type="text" inputmode="decimal" autocomplete="off" size="12"
            placeholder="the collar" value=${draft.limit} onInput=${set('limit')} /></label></div></fieldset>
      <label class="field tall">reason <input type="text" disabled=${Boolean(reason)} value=${draft.reason}
        onInput=${set('reason')} /></label>
      <p class="dim">Size in the unit of the venue. Without a limit: as far from the mark as the policy's collar allows.</p>
      ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
      <div class="actions"><button type="button" class="chip" onClick=${close}>cancel</button>
        <button type="submit" class="chip strong" disabled=${Boolean(reason) || isSending}>propose</button></div>
    </form>`;
}

/** @param {Partial<Draft>} [preset] what is filled in already */
export function openTicket(preset = {}) {
  if (book.at.value !== null || session.value?.mode === 'finished') {
    say('an order is asked for live: this is the past', 'warn');
    return;
  }
  openDialog((close) => html`<${Ticket} preset=${preset} close=${close} />`, 'order by hand');
}
