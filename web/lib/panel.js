/** @file The frame of everything shown: title, unit, age, record, and what is wrong with the figures. */
import { html, useRef } from './h.js';
import { short, full, tone } from './format.js';
import { ageSeconds, book, frameOf, address } from './store.js';

export { Table } from './table.js';
export { useExport } from './exports.js';

/** @param {{why?: string|null}} props says that a figure is absent, and why */
export function NA({ why }) {
  const reason = why ?? 'no figure';
  return html`<span class="na" title=${reason}>n/a<span class="sr"> (${reason})</span></span>`;
}

/**
 * A figure, short on screen and whole on hover.
 * @param {{text: string|null, unit?: string, why?: string, plain?: boolean}} props plain: in the colour of text
 */
export function Amount({ text, unit = '', why, plain }) {
  if (text === null || text === undefined) return html`<${NA} why=${why} />`;
  const whole = `${full(text)}${unit && ` ${unit}`}`;
  return html`<span class=${plain ? 'amount' : `amount ${tone(text)}`} title=${whole}>${short(text)}</span>`;
}

/** @param {number|null} seconds @returns {string} */
export function ageText(seconds) {
  if (seconds === null) return 'age unknown';
  if (seconds < 1.5) return 'now';
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  return `${Math.round(seconds / 3600)} h`;
}

/** The record that figures contain, as a link to the journal. */
export function RecordLink({ record }) {
  if (record === null || record === undefined) return null;
  return html`<a class="record" href=${address('records', { id: record })} title="record ${record} of the journal">#${record}</a>`;
}

function Age({ env }) {
  const seconds = ageSeconds(env);
  const title = env.asof ? `as of ${env.asof}, computed ${env.computed}` : `up to record ${env.record}`;
  if (!env.is_live && !env.bump) return html`<span class="age" title=${title}>past</span>`;
  const late = seconds !== null && seconds > 15;
  return html`<span class="age ${late ? 'warn' : ''}" title=${title}>
    <span class="sr">age </span>${ageText(seconds)}${book.paused.value ? ' · paused' : ''}</span>`;
}

/** What must be known before the figures are believed. */
export function Marks({ env, stale }) {
  const names = stale ?? env.stale ?? [];
  return html`${env.partial && html`<span class="tag warn" title="something held has no value: every total lacks it">▲ partial</span>`}
    ${names.length > 0 && html`<span class="tag warn" title="no fresh quote: what depends on it is grey">◷ stale ${names.join(', ')}</span>`}
    ${env.bump && html`<span class="tag whatif">what-if</span>`}`;
}

/**
 * @param {object} props
 * @param {string} props.title
 * @param {string} [props.unit] of the figures inside
 * @param {object|null} [props.env] envelope; without it the panel says that it is reading, or the error
 * @param {Error|object|null} [props.error]
 * @param {boolean} [props.loading]
 * @param {any} [props.note] beside the title
 * @param {any} [props.actions] buttons at the right
 * @param {string[]} [props.stale] underlyings that matter here; all stale ones by default
 * @param {string} [props.class]
 * @param {number} [props.level] of the heading, 2 by default
 */
export function Panel({ title, unit, env, error, loading, note, actions, stale, class: extra = '', level = 2, children }) {
  const id = useRef(`panel-${Math.random().toString(36).slice(2, 8)}`);
  const heading = html`<${`h${level}`} id=${id.current}>${title}</${`h${level}`}>`;
  const frame = frameOf.value;
  const isFree = env === undefined;
  return html`<section class="panel ${extra} ${frame} ${loading && env ? 'loading' : ''}" aria-labelledby=${id.current}
      aria-busy=${loading && !isFree ? 'true' : 'false'}>
    <header>
      ${heading}
      ${unit && html`<span class="unit">${unit}</span>`}
      ${note && html`<span class="note-text">${note}</span>`}
      <span class="spring"></span>
      ${actions}
      ${env && html`<${Marks} env=${env} stale=${stale} />
        ${loading && html`<span class="tag">loading</span>`}
        <${Age} env=${env} /><${RecordLink} record=${env.record} />`}
    </header>
    <div class="body">
      ${error && html`<p class="trouble" role="alert"><b>${error.code ?? 'trouble'}</b> ${error.message ?? String(error)}
        ${error.hint && html`<br /><span class="dim">${error.hint}</span>`}</p>`}
      ${isFree || env ? children : !error && html`<p class="reading">reading…</p>`}
    </div>
  </section>`;
}

/**
 * Buttons of which one is pressed.
 * @param {{label: string, options: [any, any, string?][], value: any, onChange: (value: any) => void}} props
 */
export function Choice({ label, options, value, onChange }) {
  return html`<span class="choice" role="group" aria-label=${label}>
    ${options.map(([key, text, title]) => html`<button type="button" class="chip" key=${key} title=${title}
      aria-pressed=${key === value ? 'true' : 'false'} onClick=${() => onChange(key)}>${text}</button>`)}
  </span>`;
}

/** Chooses the underlying of all views. @param {{list: string[]}} props */
export function UnderlyingChoice({ list }) {
  return html`<${Choice} label="underlying" options=${list.map((name) => [name, name])} value=${book.underlying.value}
    onChange=${(name) => { book.underlying.value = name; }} />`;
}

/** From these shares of a bound on the page warns, where the server names no level. */
const NEAR = 0.8;
const AT = 0.95;

/** @param {number|null} share @param {string|null} [level] as the server says @returns {'inside'|'warn'|'hard'} */
export function levelOf(share, level) {
  return level ?? (Number(share) >= AT ? 'hard' : Number(share) >= NEAR ? 'warn' : 'inside');
}

/** The class of a figure at a level. */
export const toneOf = (level) => ({ warn: 'warn', hard: 'act' })[level] ?? '';

/**
 * How much of a bound is used. The word stands beside the colour.
 * @param {{share: number|null, level: string|null, tick?: number|null, label: string, warn?: number}} props
 */
export function UseBar({ share, level, tick, label, warn }) {
  if (share === null || share === undefined) return html`<${NA} why=${`${label}: no share`} />`;
  const word = levelOf(share, level);
  const width = Math.max(0, Math.min(1, share)) * 100;
  return html`<span class="use ${word}" role="img" aria-label="${label}: ${Math.round(share * 100)} %, ${word}">
    <span class="fill" style="width:${width}%"></span>
    ${warn && html`<span class="tick soft" style="left:${Math.min(100, warn * 100)}%"></span>`}
    ${tick !== null && tick !== undefined && html`<span class="tick" style="left:${Math.min(100, tick * 100)}%"></span>`}
  </span>`;
}
