/** @file What-if: trades, transfers, other rulebooks and a moved market, tried on the book without changing anything. */
import { html, signal, useState } from '../lib/h.js';
import { book, post } from '../lib/store.js';
import { Panel } from '../lib/panel.js';
import { useKeys } from '../lib/keys.js';
import { Names, Legs, Presets, emptyLeg, BUMPS, ORDER, TRANSFER, RULEBOOK } from './whatif-form.js';
import { Result } from './whatif-result.js';

/** key, word, title, fields */
const KINDS = [['orders', 'order', 'Orders', ORDER], ['transfers', 'transfer', 'Transfers', TRANSFER], ['rulebooks', 'rulebook', 'Other rulebooks', RULEBOOK]];
const EMPTY = { bump: { spot_percent: '', vol_points: '', days: '' }, orders: [], transfers: [], rulebooks: [] };

/** What is typed outlives a look at another view. */
const draft = signal(EMPTY);
/** @type {import('../lib/h.js').Signal} the last answer, and what was asked */
const answer = signal(null);

const isDecimal = (text) => /^-?\d+(\.\d+)?$/.test(text);
const isSet = (text) => text.trim() !== '';

/** A minus typed or pasted from the screen counts as one. */
const plain = (text) => text.trim().replaceAll('\u2212', '-').replaceAll('\u2009', '');

/** @returns {string|null} what is wrong with the form, in words */
function fault(typed) {
  const { bump } = typed;
  for (const [key, , word] of BUMPS) {
    if (isSet(bump[key]) && !isDecimal(plain(bump[key]))) return `${word}: “${bump[key]}” is no number`;
  }
  if (isSet(bump.spot_percent) && Number(plain(bump.spot_percent)) <= -100) return 'spot cannot fall by 100 % or more';
  if (isSet(bump.days) && Number(plain(bump.days)) < 0) return 'days lie ahead: not below zero';
  for (const [kind, , , fields] of KINDS) {
    for (const leg of typed[kind]) {
      for (const field of fields) {
        const text = leg[field.key] ?? '';
        if (!field.isOptional && !isSet(text)) return `${field.word} is missing`;
        if (field.isNumber && isSet(text) && !isDecimal(plain(text))) return `${field.word}: “${text}” is no number`;
      }
    }
  }
  if (!Object.values(bump).some(isSet) && KINDS.every(([kind]) => !typed[kind].length)) return 'nothing is changed yet: bump the market or add a leg';
  return null;
}

/** @returns {object} body of the request */
function requestOf({ bump, orders, transfers, rulebooks }) {
  const numbers = Object.fromEntries(Object.entries(bump).map(([key, text]) => [key, isSet(text) ? Number(plain(text)) : 0]));
  return {
    at: book.at.value,
    orders: orders.map((leg) => ({ ...leg, quantity: plain(leg.quantity), price: isSet(leg.price) ? plain(leg.price) : null })),
    transfers: transfers.map((leg) => ({ ...leg, amount: plain(leg.amount) })),
    rulebooks,
    bump: numbers,
  };
}

/** A second leg is mostly at the same place. */
function placeOfLast(legs) {
  const last = legs.at(-1);
  return last ? { account: last.account, venue: last.venue } : {};
}

/** The market of the form in all views. */
function bumpAll() {
  const set = Object.entries(draft.value.bump).map(([key, text]) => [key, plain(text)]).filter(([, text]) => isDecimal(text) && Number(text) !== 0);
  book.bumps.value = set.length ? Object.fromEntries(set) : null;
}

function Form({ onTry, isBusy, trouble }) {
  const now = draft.value;
  const set = (part) => { draft.value = { ...now, ...part }; };
  return html`<form onSubmit=${(event) => {
    event.preventDefault();
    onTry();
  }}>
    <${Names} />
    <${Presets} onBump=${(bump) => set({ bump })} onOrder=${(order) => set({ orders: [...now.orders, order] })} />
    <div class="bar-form">
      ${BUMPS.map(([key, unit, word]) => html`<label key=${key}>${word}, ${unit}<input type="text" inputmode="decimal" size="6"
          value=${now.bump[key]}
        placeholder="0" onInput=${(event) => set({ bump: { ...now.bump, [key]: event.currentTarget.value } })} /></label>`)}
      <span class="adds">${KINDS.map(([key, word, , fields]) => html`<button key=${key} type="button" class="chip"
        onClick=${() => set({ [key]: [...now[key], { ...emptyLeg(fields), ...placeOfLast(now[key]) }] })}>+ ${word}</button>`)}</span>
      <button type="submit" class="chip strong" disabled=${isBusy}>${isBusy ? 'computing…' : 'try it'}</button>
      <button type="button" class="chip" onClick=${() => {
        draft.value = EMPTY;
        answer.value = null;
      }}>clear</button>
      <button type="button" class="chip" title="all views show this market; Esc ends it"
        onClick=${bumpAll}>show all views in this market</button>
    </div>
    ${KINDS.map(([key, word, title, fields]) => html`<${Legs} key=${key} title=${title} word=${word} fields=${fields} legs=${now[key]}
        onChange=${(legs) => set({ [key]: legs })} />`)}
    <p class="caveat">Nothing is sent to any venue and nothing is written.</p>
    ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
  </form>`;
}

function Component() {
  const [isBusy, setBusy] = useState(false);
  const [trouble, setTrouble] = useState(null);
  const shown = answer.value;
  useKeys(shown ? { Escape: () => { answer.value = null; } } : {});
  const tryIt = async () => {
    const wrong = fault(draft.value);
    setTrouble(wrong);
    if (wrong) return;
    setBusy(true);
    try {
      answer.value = await post('/v1/whatif', requestOf(draft.value));
    } catch (error) {
      setTrouble([error.message, error.hint].filter(Boolean).join(': '));
    } finally {
      setBusy(false);
    }
  };
  return html`<div class="view">
    <${Panel} title="What-if" note="trades, transfers, rulebooks and a moved market together"><${Form} onTry=${tryIt} isBusy=${isBusy}
      trouble=${trouble} /><//>
    <div aria-live="polite">${shown && html`<${Result} env=${shown} />`}</div>
  </div>`;
}

export default { name: 'whatif', title: 'What-if', letter: 'w', Component };
