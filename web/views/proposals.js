/** @file What rules ask for: each proposal with its effects, its cost and its hash; approve by typing the size. */
import { html, useEffect, useState } from '../lib/h.js';
import { useView, address, book } from '../lib/store.js';
import { whyNot, session } from '../lib/session.js';
import { openDialog, say } from '../lib/dialog.js';
import { useKeys } from '../lib/keys.js';
import { Panel, Table, Amount, NA, RecordLink } from '../lib/panel.js';
import { short, full, fixed, percent, price, utc, clock, worded } from '../lib/format.js';
import { magnitude } from '../lib/decimal.js';
import { act, Permission } from '../shell/controls.js';
import { openTicket } from './ticket.js';

const URGENT_SECONDS = 15;

/** @param {object} one proposal or order @returns {string} the act in words */
function actOf(one) {
  if (one.kind === 'transfer') return `move ${full(magnitude(one.quantity))} ${one.instrument}`;
  return `${one.quantity.startsWith('-') ? 'sell' : 'buy'} ${full(magnitude(one.quantity))} ${one.instrument}`;
}

/** The same figure typed another way is still the same: a true minus, a plus, spaces. */
const asTyped = (text) => text.trim().replaceAll('−', '-').replace(/^\+/, '').replace(/[\s\u2009]/g, '');

function Left({ proposal }) {
  const seconds = proposal.seconds_left;
  if (seconds === null || seconds === undefined) return html`<span class="dim">expires ${clock(proposal.expires)}</span>`;
  return html`<span class=${seconds < URGENT_SECONDS ? 'act' : 'dim'}
    title="expires ${utc(proposal.expires)}">${Math.max(0, Math.round(seconds))} s left</span>`;
}

/** A rule that stands for a person says who. */
const HAND = 'hand of ';

/** @param {{rule: string}} one @returns {boolean} whether a person asked for it, and no rule */
const isByHand = (one) => one.rule.startsWith(HAND);

/** Who asks, and why. */
function Asker({ proposal }) {
  return isByHand(proposal) ? html`by hand of <b>${proposal.rule.slice(HAND.length)}</b>`
    : html`rule <b>${proposal.rule}</b>: ${worded(proposal.why)}`;
}

function Effects({ proposal }) {
  return html`<ul class="fact-line">${proposal.effects.map((effect) => html`<li
    key=${effect.limit + effect.group}>${effect.limit} ${effect.group.join(' ')}:
      <b title=${full(effect.before)}> ${short(effect.before)}</b> → <b
        title=${full(effect.after)}>${short(effect.after)}</b>, at worst <b
          title=${full(effect.worst)}>${short(effect.worst)}</b> of ±${short(effect.hard)}</li>`)}
    ${(proposal.margins ?? []).map((one) => html`<li key=${one.account + one.venue}>margin ${one.account}@${one.venue}:
      ${one.before_use === null || one.after_use === null ? html` <${NA} why=${one.why_not ?? 'not known'} />`
        : html` <b>${percent(one.before_use)}</b> → <b>${percent(one.after_use)}</b>`}</li>`)}</ul>`;
}

function Cost({ proposal }) {
  return html`<ul class="fact-line"><li>notional <b><${Amount} text=${proposal.notional_usd} unit="USD" plain /></b> USD</li>
    <li>fee <b><${Amount} text=${proposal.fee_usd} unit="USD" plain why="not known" /></b> USD</li>
    <li>slippage at worst <b><${Amount} text=${proposal.worst_slippage_usd} unit="USD" plain why="not known" /></b> USD</li>
    ${proposal.cost_bp !== null && html`<li>cost at worst <b>${fixed(proposal.cost_bp, 1)}</b> bp</li>`}
    ${proposal.limit_price && html`<li>limit <b>${price(proposal.limit_price)}</b></li>`}</ul>`;
}

function Approve({ proposal, close }) {
  const { data } = useView('proposals', {}, { isAlwaysLive: true });
  const [typed, setTyped] = useState('');
  const [trouble, setTrouble] = useState(null);
  const [isSending, setSending] = useState(false);
  const newest = data?.open.find((one) => one.id === proposal.id);
  const isGone = data !== null && !newest;
  const isChanged = newest !== undefined && newest.inputs !== proposal.inputs;
  const reason = whyNot('approve');
  const fits = asTyped(typed) === proposal.quantity;
  const submit = async (event) => {
    event.preventDefault();
    if (!fits || isGone || isChanged || isSending) return;
    setSending(true);
    const failed = await act(`/v1/proposals/${encodeURIComponent(proposal.id)}/approve`, { inputs: proposal.inputs,
      quantity: asTyped(typed) }, `approved ${proposal.id}: ${actOf(proposal)}`);
    setSending(false);
    if (failed) setTrouble(failed);
    else close();
  };
  return html`<h2>Approve ${proposal.id}: ${actOf(proposal)}</h2>
    <p>at <b>${proposal.place}</b>, <${Asker} proposal=${proposal} />. ${newest
      && html`<${Left} proposal=${newest} />`}</p>
    <${Cost} proposal=${proposal} /><${Effects} proposal=${proposal} />
    <p class="dim">hash of its figures <code title=${proposal.inputs}>${proposal.inputs.slice(0, 16)}…</code></p>
    <${Permission} reason=${reason} />
    ${isGone && html`<p class="trouble" role="alert">This proposal has been closed.</p>`}
    ${isChanged && html`<p class="trouble"
      role="alert">Its figures have changed since this was opened: close and read it again.</p>`}
    <form onSubmit=${submit}><label class="field tall">type the size, with its sign: <b class="mono">${proposal.quantity}</b>
        <input type="text" autocomplete="off" autofocus value=${typed} disabled=${Boolean(reason) || isGone || isChanged}
          aria-invalid=${typed && !fits ? 'true' : null}
          onInput=${(event) => setTyped(event.currentTarget.value)} /></label>
      ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
      <div class="actions"><button type="button" class="chip" onClick=${close}>cancel</button>
        <button type="submit" class="chip strong"
          disabled=${!fits || Boolean(reason) || isGone || isChanged || isSending}>approve: ${actOf(proposal)}</button></div>
            </form>`;
}

function Decline({ proposal, close }) {
  const [why, setWhy] = useState('');
  const [trouble, setTrouble] = useState(null);
  const reason = whyNot('decline');
  const submit = async (event) => {
    event.preventDefault();
    const failed = await act(`/v1/proposals/${encodeURIComponent(proposal.id)}/decline`, { inputs: proposal.inputs,
      reason: why }, `rejected ${proposal.id}`);
    if (failed) setTrouble(failed);
    else close();
  };
  return html`<h2>Reject ${proposal.id}: ${actOf(proposal)}</h2>
    ${!isByHand(proposal)
      && html`<p>The rule <b>${proposal.rule}</b> may ask again when its condition holds and its rest is over.</p>`}
    <${Permission} reason=${reason} />
    <form onSubmit=${submit}><label class="field tall">reason <input type="text" autofocus disabled=${Boolean(reason)}
      value=${why} onInput=${(event) => setWhy(event.currentTarget.value)} /></label>
      ${trouble && html`<p class="trouble" role="alert">${trouble}</p>`}
      <div class="actions"><button type="button" class="chip" onClick=${close}>cancel</button><button type="submit"
        class="chip strong" disabled=${Boolean(reason) || !why.trim()}>reject</button></div></form>`;
}

const approve = (proposal) => openDialog((close) => html`<${Approve} proposal=${proposal} close=${close} />`,
  `approve ${proposal.id}`);
const decline = (proposal) => openDialog((close) => html`<${Decline} proposal=${proposal} close=${close} />`,
  `reject ${proposal.id}`);

/** A proposal of the past cannot be answered any more. */
const isPast = () => book.at.value !== null || session.value?.mode === 'finished';

/** @param {object|undefined} proposal @returns {Record<string, () => void>} the keys that answer it */
export const answerKeys = (proposal) => (proposal && !isPast() ? { a: () => approve(proposal), x: () => decline(proposal) }
  : {});

/** One proposal with its buttons. @param {{proposal: object, isShort?: boolean}} props */
export function Answer({ proposal, isShort }) {
  return html`<div class="line"><span class="act-line">${actOf(proposal)}</span>
      <span class="spring"></span>
      ${!isPast() ? html`<span class="answers"><button type="button" class="chip strong" onClick=${() => approve(proposal)}
        title="asks for the size">approve…<span class="sr"> ${proposal.id}</span></button>
      <button type="button" class="chip" onClick=${() => decline(proposal)}>reject…<span class="sr"> ${proposal.id}</span>
        </button></span>`
        : html`<span class="tag" title="a proposal is answered live">in the past</span>`}</div>
    <p><a href=${address('proposals', { find: proposal.id })}>${proposal.id}</a>, <${Left}
      proposal=${proposal} />: at <b>${proposal.place}</b>, <${Asker} proposal=${proposal} /></p>
    ${!isShort && html`<${Cost} proposal=${proposal} />`}<${Effects} proposal=${proposal} />
    ${!isShort && html`<p class="dim">made ${utc(proposal.made)}, hash of its figures <code
      title=${proposal.inputs}>${proposal.inputs.slice(0, 16)}…</code></p>`}`;
}

const ORDERS = [
  { key: 'id', title: 'order', head: true, value: (row) => row.id },
  { key: 'what', title: 'what', value: (row) => actOf(row) },
  { key: 'place', title: 'place', value: (row) => row.place },
  { key: 'filled', title: 'filled', num: true, value: (row) => row.filled,
    cell: (row) => html`<${Amount} text=${row.filled} />` },
  { key: 'limit_price', title: 'limit price', num: true, value: (row) => row.limit_price, cell: (row) => (row.limit_price
    ? price(row.limit_price) : html`<${NA} why="no limit price" />`) },
  { key: 'phase', title: 'phase', value: (row) => row.phase },
  { key: 'valid_until', title: 'valid until', unit: 'UTC', value: (row) => row.valid_until, cell: (row) => (row.valid_until
    ? clock(row.valid_until) : html`<${NA} why="no end" />`) },
  { key: 'rule', title: 'rule', value: (row) => row.rule },
  { key: 'end', title: 'end it', value: () => '', cell: (row) => html`<button type="button" class="chip"
    disabled=${row.phase === 'cancelling' || isPast() || Boolean(whyNot('cancel'))} onClick=${() => cancel(row)}
    title=${whyNot('cancel') ?? 'asks its venue to end it'}>cancel<span class="sr"> ${row.id}</span></button>` },
];

async function cancel(order) {
  const failed = await act(`/v1/orders/${encodeURIComponent(order.id)}/cancel`, { reason: '' },
    `${order.place} is asked to end ${order.id}`);
  if (failed) say(failed, 'act');
}

const CLOSED = [
  { key: 'time', title: 'closed', unit: 'UTC', head: true, value: (row) => row.time, cell: (row) => clock(row.time),
    hover: (row) => utc(row.time) },
  { key: 'id', title: 'proposal', value: (row) => row.id },
  { key: 'why', title: 'why', value: (row) => row.why },
  { key: 'record', title: 'record', value: (row) => row.record, cell: (row) => html`<${RecordLink} record=${row.record} />` },
];

function Proposals({ params }) {
  const view = useView('proposals');
  const open = view.data?.open ?? [];
  const [chosen, setChosen] = useState(params.find ?? null);
  useEffect(() => { if (params.find) setChosen(params.find); }, [params.find]);
  const index = Math.max(0, open.findIndex((one) => one.id === chosen));
  const step = (by) => () => setChosen(open[Math.max(0, Math.min(open.length - 1, index + by))]?.id ?? null);
  useKeys({ j: step(1), k: step(-1), ...answerKeys(open[index]) });
  const reason = whyNot('approve');
  return html`<${Panel} title="Proposals"
    note=${view.data && html`${open.length} open; the rules are ${view.data.is_armed ? 'armed: some are sent without asking'
      : 'disarmed: nothing is sent without a person'}`} ...${view}
      actions=${html`<span class="dim wide-only">
        <kbd>j</kbd> <kbd>k</kbd> move <kbd>a</kbd> approve <kbd>x</kbd> reject</span>
        <button type="button" class="chip" onClick=${() => openTicket()}>order by hand… <kbd>o</kbd></button>`}>
    ${reason && html`<p class="dim"><span aria-hidden="true">▲</span> ${reason}</p>`}
    ${view.data && (open.length
      ? html`<ul>${open.map((one,
        place) => html`<li class="proposal" key=${one.id} aria-current=${place === index ? 'true' : null}
          onClick=${() => setChosen(one.id)}><${Answer} proposal=${one} /></li>`)}</ul>`
      : html`<p class="empty">Nothing to answer.</p>`)}
  <//>
  <${Panel} title="Orders on their way"
    ...${view}>${view.data
      && html`<${Table} name="orders" caption="orders on their way" columns=${ORDERS} rows=${view.data.orders}
        rowKey=${(row) => row.id} empty="None." />`}<//>
  ${view.data?.closed && html`<${Panel} title="Closed" note="newest first"
    ...${view}>${view.data
      && html`<${Table} name="closed-proposals" caption="closed proposals" columns=${CLOSED} rows=${view.data.closed}
        rowKey=${(row) => `${row.record}.${row.id}`} empty="None yet." />`}<//>`}
  ${view.data && !view.data.closed && html`<p class="dim">What has become of earlier ones is among the <a href=${address('alerts')}>alerts</a>.</p>`}
  ${view.data?.held_back?.length > 0
    && html`<${Panel} title="Held back" note="rules that would act and may not" ...${view}>
      <ul>${view.data.held_back.map((one) => html`<li key=${one.rule}><span class="warn">◆</span> <b>${one.rule}</b> <span
        class="dim">${one.why}</span></li>`)}</ul><//>`}`;
}

export default { name: 'proposals', title: 'Proposals', letter: 'h', Component: Proposals };
