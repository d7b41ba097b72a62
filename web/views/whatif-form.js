/** @file The form of a what-if: its fields and its rows of legs. */
import { html, useMemo } from '../lib/h.js';
import { useView } from '../lib/store.js';
import { usePositions, MOST_UNFOLDED_ROWS } from '../lib/positions.js';
import { full } from '../lib/format.js';

/** key, unit, word */
export const BUMPS = [['spot_percent', '%', 'spot'], ['vol_points', 'points', 'vol'], ['days', 'days', 'later']];

/** @typedef {{key: string, word: string, list?: string, isNumber?: boolean, isOptional?: boolean, preset?: string, hint?: string}} Field */

const place = (prefix, words) => [
  { key: `${prefix}account`, word: `${words}account`, list: 'names-account' },
  { key: `${prefix}venue`, word: `${words}venue`, list: 'names-venue' },
  { key: `${prefix}chain`, word: `${words}chain`, list: 'names-chain', preset: 'offchain' },
];

/** @type {Field[]} */
export const ORDER = [
  ...place('', ''),
  { key: 'instrument', word: 'instrument', list: 'names-instrument' },
  { key: 'quantity', word: 'quantity', isNumber: true, hint: 'minus sells' },
  { key: 'price', word: 'price', isNumber: true, isOptional: true, hint: 'mark if empty' },
];
/** @type {Field[]} */
export const TRANSFER = [
  ...place('', 'from '), ...place('to_', 'to '),
  { key: 'asset', word: 'asset', list: 'names-asset' },
  { key: 'amount', word: 'amount', isNumber: true },
];
/** @type {Field[]} */
export const RULEBOOK = [
  { key: 'account', word: 'account', list: 'names-account' },
  { key: 'venue', word: 'venue', list: 'names-venue' },
  { key: 'rulebook', word: 'rulebook', list: 'names-rulebook' },
];

/** What is held and known, offered while typing. */
export function Names() {
  // Of a large book the first instruments are offered; accounts, venues and coins are all.
  const positions = usePositions({}, { isAlwaysLive: true }).data;
  const places = useView('exposure', { group_by: 'account,venue,chain' }, { isAlwaysLive: true }).data?.groups;
  const coins = usePositions({ kind: 'balance', limit: MOST_UNFOLDED_ROWS }, { isAlwaysLive: true }).data?.rows;
  const rulebooks = useView('policy', {}, { isAlwaysLive: true }).data?.trading_rulebooks;
  const lists = useMemo(() => {
    const rows = positions?.rows ?? [];
    const distinct = (names) => [...new Set(names)].sort();
    const part = (at) => distinct((places ?? []).map((group) => group.key[at]));
    return {
      account: part(0), venue: part(1), chain: part(2),
      instrument: distinct(rows.filter((row) => row.kind !== 'balance').map((row) => row.instrument)),
      asset: distinct((coins ?? []).map((row) => row.instrument)),
      rulebook: (rulebooks ?? []).map((one) => one.id),
    };
  }, [positions, places, coins, rulebooks]);
  return html`${Object.entries(lists).map(([key, names]) => html`<datalist key=${key} id="names-${key}">
    ${names.map((name) => html`<option key=${name} value=${name}></option>`)}</datalist>`)}`;
}

/** Moves that a desk asks for first. */
const MOVES = [
  ['spot −20 %, vol +20', { spot_percent: '-20', vol_points: '20', days: '' }], ['spot −10 %, vol +10', { spot_percent: '-10', vol_points: '10', days: '' }],
  ['spot +10 %', { spot_percent: '10', vol_points: '', days: '' }], ['spot +20 %', { spot_percent: '20', vol_points: '', days: '' }],
  ['vol −5', { spot_percent: '', vol_points: '-5', days: '' }], ['a day later', { spot_percent: '', vol_points: '', days: '1' }],
];

/** `desk@deribit/offchain` as a leg has it. */
function placeOf(text) {
  const [, account, venue, chain = 'offchain'] = /^([^@]+)@([^/]+)(?:\/(.+))?$/.exec(text) ?? [null, '', ''];
  return { account, venue, chain };
}

/** Fills the form with one press: a usual move, or an open proposal. */
export function Presets({ onBump, onOrder }) {
  const open = (useView('proposals', {}, { isAlwaysLive: true }).data?.open ?? []).filter((one) => one.kind === 'order');
  return html`<div class="presets" role="group" aria-label="fill the form">
    ${MOVES.map(([word, bump]) => html`<button key=${word} type="button" class="chip" onClick=${() => onBump(bump)}>${word}</button>`)}
    ${open.map((one) => html`<button key=${one.id} type="button" class="chip"
        title="${full(one.quantity)} ${one.instrument} at ${one.place}"
      onClick=${() => onOrder({ ...placeOf(one.place), instrument: one.instrument, quantity: one.quantity, price: '' })}>+ proposal ${one.id}</button>`)}
  </div>`;
}

/** @param {Field[]} fields @returns {object} a leg in which nothing is typed yet */
export const emptyLeg = (fields) => Object.fromEntries(fields.map((field) => [field.key, field.preset ?? '']));

/**
 * Rows of one kind of leg; nothing while there is none.
 * @param {{title: string, word: string, fields: Field[], legs: object[], onChange: (legs: object[]) => void}} props
 */
export function Legs({ title, word, fields, legs, onChange }) {
  const change = (index, key, text) => onChange(legs.map((leg, at) => (at === index ? { ...leg, [key]: text } : leg)));
  if (!legs.length) return null;
  return html`<fieldset class="legs"><legend>${title}</legend>
    ${legs.map((leg, index) => html`<div key=${index} class="bar-form">
      ${fields.map((field) => html`<label key=${field.key}>${field.word}<input type="text" list=${field.list} value=${leg[field.key] ?? ''}
          placeholder=${field.hint ?? ''}
        inputmode=${field.isNumber ? 'decimal' : 'text'} size=${field.key === 'instrument' ? 22 : 10}
            onInput=${(event) => change(index, field.key, event.currentTarget.value)} /></label>`)}
      <button type="button" class="chip" aria-label="remove ${word} ${index + 1}"
        onClick=${() => onChange(legs.filter((_, at) => at !== index))}>✕</button>
    </div>`)}
  </fieldset>`;
}
