/** @file The strip on top: above the line or not, state, armed, links, turnover, clock; and below it what is wrong. */
import { html } from '../lib/h.js';
import { useView, book, ageSeconds, address, now } from '../lib/store.js';
import { connection } from '../lib/socket.js';
import { session, isRefused } from '../lib/session.js';
import { short, full } from '../lib/format.js';
import { RecordLink, ageText } from '../lib/panel.js';
import { openHelp } from './help.js';
import { openControls, openKill, Permission } from './controls.js';

/** Glyph, tone and words of a verdict and of a state; never colour alone. */
export const VERDICTS = {
  above: ['▲', 'ok', 'above the line'],
  near: ['◆', 'warn', 'near the line'],
  below: ['▼', 'act', 'below the line'],
  unknown: ['?', 'warn', 'line unknown'],
};
const STATES = { normal: ['●', 'ok'], warn: ['◆', 'warn'], reduce_only: ['◐', 'warn'], paused: ['‖', 'act'], flatten: ['▼',
  'act'] };

const words = (text) => text.replaceAll('_', '-');

/** @param {string} time RFC 3339 */
const clock = (time) => time.slice(11, 19);
const day = (time) => time.slice(0, 10);

function Links({ links }) {
  const down = links.filter((link) => !link.is_up).map((link) => link.venue);
  const title = links.map((link) => `${link.venue}: ${link.is_up ? 'up' : 'down'}`).join('\n');
  return html`<a class="item ${down.length ? 'act' : ''}" href=${address('feeds')} title=${title}>
    <span class="label">links</span>
    <span>${links.map((link) => html`<span class="dot ${link.is_up ? 'ok' : 'act'}"
      aria-hidden="true">${link.is_up ? '●' : '○'}</span>`)}
    ${' '}${down.length ? `${down.join(', ')} down` : `${links.length} up`}</span></a>`;
}

function Turnover({ data }) {
  const bound = data.turnover_bound_usd;
  const share = bound ? Number(data.turnover_usd) / Number(bound) : null;
  const title = `turnover ${full(data.turnover_usd)} USD${bound ? ` of at most ${full(bound)} USD` : ', no bound'}`;
  return html`<a class="item wide-only" href=${address('policy')} title=${title}><span class="label">turnover</span>
    <span>${short(data.turnover_usd)}${bound && ` / ${short(bound)}`} <span class="unit">USD</span>
    ${share !== null && html`<span class="mini" aria-hidden="true"><span style="width:${Math.min(100, share * 100)}%"></span>
      </span>`}</span></a>`;
}

function Clock({ env }) {
  const age = ageSeconds(env);
  let state = 'live';
  if (connection.value !== 'up') state = 'offline';
  else if (book.at.value !== null) state = 'replay';
  else if (book.paused.value) state = 'paused';
  else if (env.bump) state = 'what-if';
  else if (!env.is_live) state = 'past';
  return html`<span class="item clock" title="time of valuation ${env.asof}, computed ${env.computed}">
    <span class="label">${day(env.asof)}</span>
    <span><b>${clock(env.asof)}</b> <span class="unit">UTC</span> <span class="state ${state}">${state}</span>
    <span class="dim age-fixed">${env.is_live ? ageText(age) : ''}</span></span></span>`;
}

/** What the person has to know before believing a figure. */
function Troubles({ env, data }) {
  const items = [];
  if (connection.value !== 'up') items.push(['act',
    `no connection to the server${connection.value === 'connecting' ? ' yet' : ': figures stand still, trying again'}`, null]);
  const age = ageSeconds(env);
  if (env.is_live && connection.value === 'up' && !book.paused.value && book.at.value === null && age > 15) {
    items.push(['act', `no new figures for ${ageText(age)}`, ['feeds']]);
  }
  if (env.stale?.length) items.push(['act',
    `stale: ${env.stale.join(', ')}. What depends on it is grey, and nothing acts on it`, ['feeds']]);
  if (data.unvalued?.length) items.push(['warn',
    `partial: ${data.unvalued.length} without a value (${data.unvalued[0].item}: ${data.unvalued[0].why})`, ['positions']]);
  else if (env.partial) items.push(['warn', 'partial: something held has no value', ['positions']]);
  if (data.unreconciled?.length) items.push(['warn', `not reconciled: ${data.unreconciled.join(', ')}`, ['feeds']]);
  for (const rule of data.held_back ?? []) items.push(['warn', `held back: ${rule.rule} (${rule.why})`, ['policy']]);
  if (!items.length) return null;
  return html`<div class="troubles" role="group" aria-label="what is wrong">
    ${items.map(([tone, text, to]) => html`<span class="trouble-item ${tone}" key=${text.slice(0, 12)}>
      <b aria-hidden="true">${tone === 'act' ? '‼' : '▲'}</b> ${to ? html`<a href=${address(...to)}>${text}</a>`
        : text}</span>`)}
  </div>`;
}

export function Header() {
  const { env, data } = useView('overview');
  void now.value;
  const brand = html`<a class="brand" href="#/overview"><svg viewBox="0 0 24 24" width="22" height="22" aria-hidden="true">
    <circle cx="12" cy="12" r="7" fill="none" stroke="currentColor" stroke-width="2" /><path d="M1 12h22" stroke="currentColor"
      stroke-width="2" /></svg>
    <b>Plimsoll</b></a>`;
  if (!data && isRefused.value) return html`<div class="head">${brand}<${Permission}
    reason="This server shows nothing without a token." /></div>`;
  if (!data) return html`<div class="head">${brand}<span
    class="reading">${connection.value === 'down' ? 'no connection to the server' : 'reading the book…'}</span></div>`;
  const [glyph, tone, verdict] = VERDICTS[data.line.verdict] ?? VERDICTS.unknown;
  const [stateGlyph, stateTone] = STATES[data.state] ?? ['?', 'warn'];
  const who = session.value?.who;
  return html`<div class="head">
    ${brand}
    <span class="item wide-only"><span class="label">book</span><span>${data.name ?? session.value?.name} <span
      class="tag">${data.mode ?? session.value?.mode}${session.value?.speed ? ` ${session.value.speed}` : ''}</span></span>
        </span>
    <a class="verdict ${tone}" href=${address('overview')} title=${data.line.sentence}><span
      aria-hidden="true">${glyph}</span> ${verdict}</a>
    <button type="button" class="item ${stateTone}"
      title=${data.because?.length ? `because of ${data.because.join(', ')}` : 'nothing restricts the book'}
        onClick=${openControls}>
      <span class="label">state</span><span><span aria-hidden="true">${stateGlyph}</span> ${words(data.state)}</span></button>
    <button type="button" class="item" onClick=${openControls}
      title=${data.is_armed ? 'rules whose policy allows it send orders without asking' : 'nothing is sent without a person'}>
      <span class="label">rules</span>
        <span>${data.is_armed ? html`<span aria-hidden="true">◉</span> armed`
          : html`<span aria-hidden="true">○</span> disarmed`}</span></button>
    <${Links} links=${data.links} />
    <${Turnover} data=${data} />
    <span class="spring"></span>
    <${Clock} env=${env} />
    <span class="item wide-only"><span class="label">record</span><${RecordLink} record=${env.record} /></span>
    <span class="buttons">
      ${who && html`<span class="tag" title="role ${session.value.role}">${who}</span>`}
      <button type="button" class="icon" aria-pressed=${book.paused.value ? 'true' : 'false'} title="pause the screen ( . )"
        onClick=${() => { book.paused.value = !book.paused.value; }}><span
          aria-hidden="true">${book.paused.value ? '▶' : '‖'}</span><span class="sr">pause the screen</span></button>
      <button type="button" class="icon" title="light or dark"
        onClick=${() => { book.theme.value = book.theme.value === 'dark' ? 'light' : 'dark'; }}>
        <span aria-hidden="true">◑</span><span class="sr">light or dark</span></button>
      <button type="button" class="icon" title="help ( ? )" onClick=${openHelp}><span aria-hidden="true">?</span><span
        class="sr">help</span></button>
      <button type="button" class="kill" onClick=${openKill} title="pause and disarm; asks first">kill switch</button>
    </span>
  </div><${Troubles} env=${env} data=${data} />`;
}
