/**
 * @file The first screen. It answers in this order: is the book above the line, what is nearest to it, what has to be
 * done now; then the figures behind that.
 */
import { html, useEffect } from '../lib/h.js';
import { useView, book, address, go } from '../lib/store.js';
import { useKeys } from '../lib/keys.js';
import { Panel, Table, Amount, NA, UseBar, Choice, RecordLink, levelOf, toneOf } from '../lib/panel.js';
import { Matrix } from '../lib/matrix.js';
import { FIVE, MEASURES, measure } from '../lib/measures.js';
import { short, full, percent, price, clock, worded } from '../lib/format.js';
import { VERDICTS } from '../shell/header.js';
import { answerKeys, Answer } from './proposals.js';

const NEAREST_SHOWN = 7;
const ALERTS_SHOWN = 9;
const ACCOUNTS_SHOWN = 12;

/** The mark of the load line: the disc's bar is the hard bound, the water stands as high as the nearest share. */
function Disc({ share, tone, isKnown }) {
  const level = 62 - 44 * Math.max(0, Math.min(1.25, share ?? 0));
  return html`<svg width="84" height="66" viewBox="0 0 84 66" aria-hidden="true" class=${tone}>
    <rect x="2" y=${level} width="80" height=${Math.max(0, 64 - level)} fill="currentColor" opacity=".22" />
    ${isKnown && html`<path d="M2 ${level}h80" stroke="currentColor" stroke-width="2" />`}
    <circle cx="42" cy="18" r="13" fill="none" stroke="var(--text)" stroke-width="2.5" />
    <path d="M20 18h44" stroke="var(--text)" stroke-width="2.5" /></svg>`;
}

const URGENCY = { now: ['‼', 'act'], soon: ['◆', 'warn'], watch: ['●', 'ok'] };
/** A name such as `delta, BTC` needs its kind before it, unless it says it itself. */
const kindBefore = (item) => (item.what.includes(item.kind) || item.kind === 'turnover' ? '' : item.kind);
const named = (item) => `${kindBefore(item)} ${item.what}`.trim();

function Nearest({ items }) {
  if (!items.length) return html`<p class="empty">Nothing is bounded: the policy has no limits.</p>`;
  return html`<ul class="near">${items.slice(0, NEAREST_SHOWN).map((item) => html`<li key=${named(item)}>
    <a class="what ${item.is_stale ? 'stale' : ''}" href=${address(item.view, item.params)} title=${named(item)}><span
      class="dim wide-only">${kindBefore(item)}</span> ${item.what}</a>
    <span class=${item.is_stale ? 'stale' : ''}><${UseBar} share=${item.share} level=${item.level} label=${named(item)} />
      </span>
    <b class="num ${item.is_stale ? 'stale' : toneOf(levelOf(item.share, item.level))}">${percent(item.share, 0)}</b>
    <span class="num dim"
      title=${`${full(item.figure)}${item.bound === null ? ''
        : ` of ${full(item.bound)}`} ${item.figure_unit}`}>${item.bound === null
      ? html`${short(item.figure)} <span class="unit">${item.figure_unit.replace(' of the index', '')}</span>`
      : html`${short(item.figure)} / ${short(item.bound)} <span
        class="unit wide-only">${item.figure_unit}</span>`}${item.is_stale && html`<span class="sr"> stale</span>`}</span>
  </li>`)}</ul>`;
}

function Todo({ items }) {
  return html`<ul class="todo">${items.map((item) => {
    const [glyph, tone] = URGENCY[item.urgency] ?? URGENCY.watch;
    return html`<li key=${item.text}><span class="urgency ${tone}"><span
      aria-hidden="true">${glyph}</span> ${item.urgency}</span>
      <a href=${address(item.view, item.id && item.view === 'proposals' ? { find: item.id } : {})}>${worded(item.text)}</a>
        </li>`;
  })}</ul>`;
}

function Line({ view }) {
  const { env, data } = view;
  const verdict = data && (VERDICTS[data.line.verdict] ?? VERDICTS.unknown);
  return html`<${Panel} title="The line" ...${view}>
    ${data && html`<div class="hero"><div>
      <div class="hero-line"><${Disc} share=${data.nearest[0]?.share} tone=${verdict[1]}
        isKnown=${data.line.verdict !== 'unknown'} />
        <div><p class="hero-word ${verdict[1]}"><span aria-hidden="true">${verdict[0]}</span> ${verdict[2]}</p>
          <p>${worded(data.line.sentence)}</p></div></div>
      <h3>What to do now</h3><${Todo} items=${data.todo} /></div>
    <div><h3>Nearest to the line <span class="unit">share of the hard bound</span></h3><${Nearest} items=${data.nearest} />
      </div></div>`}
  <//>`;
}

/** @type {[string, string, string, string][]} key, word, unit, view */
const HEADLINES = [
  ['equity_usd', 'equity', 'USD', 'margin'],
  ['profit_since_open_usd', 'P&L since open', 'USD', 'profit'],
  ...FIVE.map((one) => [one.key, one.word, one.unit, 'exposure']),
  ['initial_margin_usd', 'initial margin', 'USD', 'margin'],
  ['maintenance_margin_usd', 'maintenance', 'USD', 'margin'],
];

function Headline({ figures, isStale }) {
  return html`<div class="figures" role="group" aria-label="headline figures">
    ${HEADLINES.filter(([key]) => figures[key] !== undefined).map(([key, word, unit,
      to]) => html`<a class="figure ${isStale ? 'stale' : ''}" key=${key} href=${address(to)}>
      <span class="label">${word}</span><${Amount} text=${figures[key]} unit=${unit} why="not known"
        plain=${/margin|equity/.test(key)} /><span class="unit">${unit}</span></a>`)}
    <a class="figure ${isStale ? 'stale' : ''}" href=${address('margin')}><span class="label">maintenance use</span>
      ${figures.maintenance_use === null ? html`<${NA} why="no account has a figure" />`
        : html`<span class="big">${percent(figures.maintenance_use)}</span>`}
      <span class="unit">of the nearest account${figures.accounts_without_margin > 0
        && html`, <span class="warn">▲ ${figures.accounts_without_margin} without</span>`}</span></a>
  </div>`;
}

function Strip({ view }) {
  const columns = [
    { key: 'underlying', title: 'underlying', head: true, value: (row) => row.underlying,
      cell: (row) => html`<a
        href=${address('exposure', { underlying: row.underlying })}>${row.underlying}</a>${row.is_stale
          ? html` <span class="tag warn">stale</span>` : ''}` },
    { key: 'spot_usd', title: 'spot', unit: 'USD', num: true, value: (row) => row.spot_usd,
      cell: (row) => (row.spot_usd === null
        ? html`<${NA} why=${Number(row.delta_cash_usd) === 0 ? 'a currency has a rate, not a spot' : 'no index'} />`
          : price(row.spot_usd)),
      hover: (row) => (row.spot_age_seconds === null ? 'age unknown' : `${row.spot_age_seconds.toFixed(1)} s old`) },
    ...FIVE.map((one) => ({ key: one.key, title: one.sign, unit: one.unit, num: true, value: (row) => row[one.key],
      hide: one.key === 'value_usd' ? 'narrow' : undefined,
        cell: (row) => html`<${Amount} text=${row[one.key]} unit=${one.unit} />` })),
  ];
  return html`<${Panel} title="By underlying" ...${view}>
    ${view.data && html`<${Table} name="underlyings" caption="by underlying" columns=${columns} rows=${view.data.underlyings}
      rowKey=${(row) => row.underlying}
      stale=${(row) => row.is_stale} select=${(row) => row.spot_usd !== null && (book.underlying.value = row.underlying)} />`}
  <//>`;
}

function Exposure() {
  const view = useView('exposure', { group_by: 'underlying,expiry,kind' });
  const one = measure(book.greek.value);
  return html`<${Panel} title="Exposure" unit=${`${one.word}, ${one.unit}`} ...${view}
    actions=${html`<${Choice} label="measure" value=${one.key} onChange=${(key) => { book.greek.value = key; }}
      options=${MEASURES.filter((each) => each.letter).map((each) => [each.key, each.sign,
        `${each.word}, key ${each.letter}`])} />`}>
    ${view.data && html`<${Matrix} data=${view.data} isShort drill=${(key) => go('exposure', key)} />`}
  <//>`;
}

function Margin() {
  const view = useView('margin');
  const accounts = [...(view.data?.accounts ?? [])].sort((a, b) => (b.maintenance_use ?? 2) - (a.maintenance_use ?? 2));
  return html`<${Panel} title="Margin use" unit="% of counted equity; tick: initial" ...${view}>
    <ul class="near">${accounts.slice(0, ACCOUNTS_SHOWN).map((one) => {
      const name = `${one.account}@${one.venue}`;
      return html`<li key=${name}><a class="what ${one.is_stale ? 'stale' : ''}"
        href=${address('margin', { account: one.account, venue: one.venue })} title=${one.rulebook_title}>${name} <span
          class="dim">${one.rulebook}</span></a>
        ${one.maintenance_use === null ? html`<${NA} why=${one.why_not ?? 'partial'} /><span></span>`
          : html`<span class=${one.is_stale ? 'stale' : ''}><${UseBar} share=${one.maintenance_use} tick=${one.initial_use}
            label=${`maintenance use of ${name}`} /></span>
            <b class="num ${one.is_stale ? 'stale' : toneOf(levelOf(one.maintenance_use))}">${percent(one.maintenance_use,
              0)}</b>`}
        <span class="num dim"
          title="surplus over maintenance ${full(one.surplus_usd)} USD">${one.surplus_usd === null
            ? html`<${NA} why=${one.why_not} />` : `${short(one.surplus_usd)} left`}</span></li>`;
    })}</ul>
    ${accounts.length > ACCOUNTS_SHOWN && html`<p class="note-text"><a href=${address('margin')}>all ${accounts.length} accounts</a></p>`}
  <//>`;
}

function Open() {
  const view = useView('proposals');
  const open = view.data?.open ?? [];
  useKeys(answerKeys(open[0]));
  return html`<${Panel} title="Proposals" note=${view.data && `${open.length} open`} ...${view}>
    ${view.data && (open.length
      ? html`<ul>${open.map((one) => html`<li class="proposal" key=${one.id}><${Answer} proposal=${one} isShort /></li>`)}</ul>`
      : html`<p class="empty">Nothing to answer. ${view.data.orders.length ? `${view.data.orders.length} orders on their way.`
        : 'No orders on their way.'}</p>`)}
  <//>`;
}

function Latest() {
  const view = useView('alerts', {}, { isUnbumped: true });
  return html`<${Panel} class="news" title="Latest" note=${html`<a href=${address('alerts')}>all alerts</a>`} ...${view}>
    <ul class="feed-list">${(view.data?.entries ?? []).slice(0,
      ALERTS_SHOWN).map((entry) => html`<li key=${`${entry.record}.${entry.index}`}>
      <span class="dim">${clock(entry.time)}</span><span
        class="kind ${entry.severity}">${entry.kind.replaceAll('_', ' ')}</span><span class="two-lines"
          title=${entry.text}>${worded(entry.text)}</span><${RecordLink} record=${entry.record} /></li>`)}</ul>
    ${view.data && !view.data.entries.length && html`<p class="empty">Nothing has been said yet.</p>`}
  <//>`;
}

function Overview() {
  const view = useView('overview');
  useEffect(() => { document.title = `${view.data ? `${VERDICTS[view.data.line.verdict]?.[0] ?? '?'} `
    : ''}Overview · Plimsoll`; }, [view.data?.line.verdict]);
  return html`<div class="stack">
    <${Line} view=${view} />
    ${view.data && html`<${Headline} figures=${view.data.headline} isStale=${view.env.stale.length > 0} />`}
    <div class="overview-columns"><div class="stack"><${Exposure} /><${Strip} view=${view} /><${Latest} /></div>
      <div class="stack"><${Margin} /><${Open} /></div></div>
  </div>`;
}

export default { name: 'overview', title: 'Overview', letter: 'o', Component: Overview };
