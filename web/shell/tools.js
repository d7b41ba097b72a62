/** @file The row of choices that hold for all views: underlying, time roll, bumps of the market, replay. */
import { html, useState, useEffect, useRef, signal, computed } from '../lib/h.js';
import { useView, book } from '../lib/store.js';
import { Choice, UnderlyingChoice } from '../lib/panel.js';
import { openPalette } from './palette.js';
import { isReplayOpen } from './replay.js';

/** Underlyings with a price risk, as the overview names them. */
export const underlyings = signal([]);
/** Days that the ladder can be rolled to. */
export const DAYS = [0, 1, 7, 30];

/** Set by `b`: puts the cursor into the first bump box. */
export const bumpFocus = signal(0);

const EMPTY = { spot_percent: '', vol_points: '', days: '' };
const FIELDS = [
  ['spot_percent', 'spot', '%', [-99, 400]],
  ['vol_points', 'vol', 'points', [-200, 400]],
  ['days', 'later', 'days', [0, 730]],
];

/** @param {typeof EMPTY} typed @returns {object|null} what is not zero, or null for none */
function bumpsOf(typed) {
  const set = Object.entries(typed).filter(([, text]) => text.trim() !== '' && Number(text) !== 0);
  return set.length ? Object.fromEntries(set) : null;
}

/** @param {object} bumps @returns {string} */
export function bumpWords(bumps) {
  const signed = (text) => `${Number(text) < 0 ? '−' : '+'}${String(text).replace(/^[-+]/, '')}`;
  return [
    bumps.spot_percent && `spot ${signed(bumps.spot_percent)} %`,
    bumps.vol_points && `vol ${signed(bumps.vol_points)} points`,
    bumps.days && `${bumps.days} ${Number(bumps.days) === 1 ? 'day' : 'days'} later`,
  ].filter(Boolean).join(', ');
}

const isBumped = computed(() => book.bumps.value !== null);

function Bumps() {
  const [typed, setTyped] = useState(EMPTY);
  const first = useRef(null);
  const isOpened = bumpFocus.value > 0;
  useEffect(() => { if (!isBumped.value) setTyped(EMPTY); }, [isBumped.value]);
  useEffect(() => { if (bumpFocus.value) first.current?.select(); }, [bumpFocus.value]);
  const bad = FIELDS.filter(([key, , , [least, most]]) => typed[key].trim() !== ''
    && !(Number(typed[key]) >= least && Number(typed[key]) <= most));
  const apply = (event) => {
    event?.preventDefault();
    if (!bad.length) book.bumps.value = bumpsOf(typed);
  };
  return html`<form class="bumps ${isBumped.value ? 'on' : ''} ${isOpened ? 'opened' : ''}"
    aria-label="what-if: bump the market" onSubmit=${apply}>
    <span class="label">what if</span>
    ${FIELDS.map(([key, word, unit, [least, most]], index) => html`<label class="field" key=${key}>${word}
      <input ref=${index === 0 ? first : null} type="text" inputmode="text" size="4" placeholder="0" value=${typed[key]}
        aria-invalid=${bad.some((one) => one[0] === key) ? 'true' : null} title="${least} to ${most} ${unit}; Enter sets it"
        onInput=${(event) => setTyped({ ...typed, [key]: event.currentTarget.value.replaceAll('−', '-').replace(',', '.') })}
        onBlur=${apply} />${' '}<span class="unit">${unit}</span></label>`)}
    <button type="submit" class="sr">set the bumps</button>
    ${isBumped.value && html`<b class="whatif-word" title=${bumpWords(book.bumps.value)}>WHAT-IF<span
      class="sr">: ${bumpWords(book.bumps.value)}</span></b>
      <button type="button" class="chip" onClick=${() => { book.bumps.value = null; }}>clear <kbd>Esc</kbd></button>`}
  </form>`;
}

export function Tools() {
  const { data } = useView('overview');
  useEffect(() => {
    if (!data) return;
    const names = data.underlyings.filter((one) => one.spot_usd !== null
      || Number(one.delta_cash_usd) !== 0).map((one) => one.underlying);
    if (names.join() !== underlyings.value.join()) underlyings.value = names;
    if (names.length && !names.includes(book.underlying.value)) book.underlying.value = names[0];
  }, [data]);
  return html`<div class="tools" role="toolbar" aria-label="choices for all views">
    <span class="tool"><span class="label wide-only">underlying</span><${UnderlyingChoice} list=${underlyings.value} /></span>
    <span class="tool wide-only"><span class="label">time roll</span><${Choice} label="time roll" value=${book.days.value}
      options=${DAYS.map((days) => [days, days === 0 ? 'now' : `+${days} d`])}
        onChange=${(days) => { book.days.value = days; }} /></span>
    <${Bumps} />
    <span class="spring"></span>
    ${book.narrow.value && html`<button type="button" class="chip" onClick=${() => { bumpFocus.value += 1; }}>what if</button>`}
    <button type="button" class="chip" aria-pressed=${isReplayOpen.value ? 'true' : 'false'} title="show the book as it was"
      onClick=${() => { isReplayOpen.value = !isReplayOpen.value; }}>↺ replay</button>
    <button type="button" class="chip" onClick=${() => openPalette()} title="everything by name">⌕ find <kbd>Ctrl K</kbd>
      </button>
  </div>`;
}
