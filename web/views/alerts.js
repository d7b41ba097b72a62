/** @file What the engine has said, newest first; every line leads to its record. */
import { html, useEffect, useState, useMemo } from '../lib/h.js';
import { useView, book, get, go, dataOf } from '../lib/store.js';
import { Panel, Table, Choice, RecordLink } from '../lib/panel.js';
import { utc, worded } from '../lib/format.js';

/** Entries of a page of older ones. */
const LIMIT = 200;
/** Kinds in the groups that one looks for. */
const KINDS = [
  ['', 'all'],
  ['state,level,trigger,alert,armed', 'limits and state'],
  ['proposed,proposal_closed,held_back', 'proposals'],
  ['order,order_gone,cancel,query,fill,undone,refused', 'orders and fills'],
  ['transfer,settlement,adjustment', 'ledger'],
  ['link,stale,value', 'feeds'],
  ['difference,reconciled', 'reconciliation'],
];
const SEVERITIES = [['', 'all'], ['act', '‼ act'], ['warn', '◆ warn'], ['info', 'info']];
const GLYPH = { act: '‼', warn: '◆', info: '·' };

const COLUMNS = [
  { key: 'time', title: 'time', unit: 'UTC', value: (row) => row.time,
    cell: (row) => html`<span class="nowrap">${utc(row.time).replace(' UTC', '')}</span>` },
  { key: 'severity', title: 'severity', value: (row) => row.severity,
    cell: (row) => html`<span class="nowrap ${{ act: 'act', warn: 'warn' }[row.severity] ?? 'dim'}"><span
      aria-hidden="true">${GLYPH[row.severity]}</span> ${row.severity}</span>` },
  { key: 'kind', title: 'kind', hide: 'narrow', value: (row) => row.kind, cell: (row) => row.kind.replaceAll('_', ' ') },
  { key: 'underlying', title: 'underlying', hide: 'narrow', value: (row) => row.underlying,
    cell: (row) => row.underlying ?? html`<span class="dim">-</span>` },
  { key: 'text', title: 'text', head: true, value: (row) => row.text,
    cell: (row) => html`<span class="wrap-text">${worded(row.text)}</span>` },
  { key: 'record', title: 'record', value: (row) => row.record, cell: (row) => html`<${RecordLink} record=${row.record} />` },
  { key: 'show', title: html`<span class="sr">replay</span>`, hide: 'narrow', isDrawn: true, value: (row) => row.index,
    cell: (row) => html`<button type="button" class="chip" title="show the book at this record"
      onClick=${() => { book.at.value = row.record; }}>↺<span class="sr"> replay from ${row.record}</span></button>` },
];

const keyOf = (row) => `${row.record}.${row.index}`;

function Alerts() {
  const [kind, setKind] = useState('');
  const [severity, setSeverity] = useState('');
  const [wanted, setWanted] = useState('');
  const [older, setOlder] = useState({ entries: [], more: null });
  const view = useView('alerts', {}, { isUnbumped: true });
  useEffect(() => setOlder({ entries: [], more: null }), [kind, book.at.value]);
  const rows = useMemo(() => {
    const newest = view.data?.entries ?? [];
    const seen = new Set(newest.map(keyOf));
    const text = wanted.trim().toLowerCase();
    const kinds = kind.split(',');
    return [...newest, ...older.entries.filter((row) => !seen.has(keyOf(row)))]
      .filter((row) => (!kind || kinds.includes(row.kind)) && (!severity || row.severity === severity) && (!text
        || `${row.text} ${row.kind} ${row.underlying ?? ''}`.toLowerCase().includes(text)));
  }, [view.data, older, kind, severity, wanted]);
  const last = [...(view.data?.entries ?? []), ...older.entries].at(-1);
  const more = older.more ?? view.data?.more ?? true;
  const readOlder = async () => {
    const query = new URLSearchParams({ before: last.record, limit: LIMIT, ...(kind ? { kind } : {}),
      ...(book.at.value === null ? {} : { at: book.at.value }) });
    const data = dataOf(await get(`/v1/alerts?${query}`));
    setOlder((before) => ({ entries: [...before.entries, ...data.entries], more: data.more }));
  };
  return html`<${Panel} title="Alerts" note="what the engine has said; every line is an output of its record" ...${view}>
    <div class="filters"><${Choice} label="kind" options=${KINDS} value=${kind} onChange=${setKind} />
      <${Choice} label="severity" options=${SEVERITIES} value=${severity} onChange=${setSeverity} />
      <label class="field">text <input type="search" size="16" value=${wanted}
        onInput=${(event) => setWanted(event.currentTarget.value)} /></label>
      <span class="dim">${rows.length} shown</span></div>
    ${view.data && html`<${Table} name="alerts" caption="alerts, newest first"
      columns=${rows.some((row) => row.underlying) ? COLUMNS : COLUMNS.filter((column) => column.key !== 'underlying')}
        rows=${rows} rowKey=${keyOf} open=${(row) => go('records', { id: row.record })}
      empty=${view.data.entries.length ? 'None of these.' : 'Nothing has been said yet.'} />
      ${more && last && html`<p><button type="button" class="chip" onClick=${readOlder}>older</button></p>`}`}
  <//>`;
}

export default { name: 'alerts', title: 'Alerts', letter: 'a', Component: Alerts };
