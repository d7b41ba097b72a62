/** @file Everything by name: views, underlyings, measures, acts, instruments, records. */
import { html, useMemo, useRef, useState } from '../lib/h.js';
import { book, go } from '../lib/store.js';
import { usePositions, isPart } from '../lib/positions.js';
import { openDialog, say } from '../lib/dialog.js';
import { exportShown } from '../lib/exports.js';
import { MEASURES } from '../lib/measures.js';
import { VIEWS } from '../views/index.js';
import { underlyings } from './tools.js';
import { isReplayOpen, backToLive } from './replay.js';
import { openHelp } from './help.js';
import { openControls, openKill } from './controls.js';
import { openTicket } from '../views/ticket.js';

/** @typedef {{kind: string, text: string, hint?: string, run: () => void}} Command */

const MOST_SHOWN = 12;

/** Saves what is shown, and says so. */
export function saveShown() {
  const name = exportShown();
  say(name ? `saved ${name}` : 'nothing here to save', name ? 'ok' : 'warn');
}

/** @returns {Command[]} */
function commands() {
  return [
    ...VIEWS.map((view, index) => ({ kind: 'view', text: view.title, hint: index < 9 ? String(index + 1) : `g ${view.letter}`,
      run: () => go(view.name) })),
    ...underlyings.value.map((name) => ({ kind: 'underlying', text: name, run: () => { book.underlying.value = name; } })),
    ...MEASURES.map((one) => ({ kind: 'measure', text: one.word, hint: one.letter,
      run: () => { book.greek.value = one.key; } })),
    { kind: 'do', text: 'save what is shown as CSV', hint: 'e', run: saveShown },
    { kind: 'do', text: 'replay', run: () => { isReplayOpen.value = true; } },
    { kind: 'do', text: 'back to live', hint: 'Esc', run: backToLive },
    { kind: 'do', text: 'pause or go on', hint: '.', run: () => { book.paused.value = !book.paused.value; } },
    { kind: 'do', text: 'light or dark', run: () => { book.theme.value = book.theme.value === 'dark' ? 'light' : 'dark'; } },
    { kind: 'do', text: 'print', run: () => setTimeout(() => print(), 50) },
    { kind: 'do', text: 'order by hand', hint: 'o', run: () => openTicket() },
    { kind: 'do', text: 'state of the book, arming', run: openControls },
    { kind: 'do', text: 'kill switch', run: openKill },
    { kind: 'help', text: 'keys and signs', hint: '?', run: openHelp },
  ];
}

/** @returns {number|null} lower is better; null if the letters do not occur in order */
function misfit(text, wanted) {
  const place = text.indexOf(wanted);
  if (place >= 0) return place + text.length / 100;
  let at = -1;
  for (const letter of wanted) {
    at = text.indexOf(letter, at + 1);
    if (at < 0) return null;
  }
  return 50 + at;
}

function Palette({ close, onlyInstruments }) {
  const [wanted, setWanted] = useState('');
  const [place, setPlace] = useState(0);
  const list = useRef(null);
  const held = usePositions().data;
  // A large book is looked through by the server.
  const isLarge = isPart(held) && wanted.trim().length > 1;
  const { data } = usePositions(isLarge ? { find: wanted.trim() } : {});
  const all = useMemo(() => {
    const instruments = [...new Map((data?.rows ?? []).map((row) => [row.instrument, row])).values()].map((row) => ({
      kind: 'instrument', text: row.instrument, hint: `${row.underlying} ${row.expiry_text}`, run: () => go('positions',
        { find: row.instrument }),
    }));
    return onlyInstruments ? instruments : [...commands(), ...instruments];
  }, [data, onlyInstruments]);
  const record = /^#?(\d+)$/.exec(wanted.trim());
  const found = all.map((one) => ({ one, score: misfit(`${one.text} ${one.kind}`.toLowerCase(), wanted.trim().toLowerCase()) }))
    .filter((each) => each.score !== null).sort((a, b) => a.score - b.score).map((each) => each.one);
  if (record && !onlyInstruments) found.unshift({ kind: 'record', text: `record ${record[1]}`, run: () => go('records',
    { id: record[1] }) });
  const shown = found.slice(0, MOST_SHOWN);
  const chosen = Math.min(place, shown.length - 1);
  const run = (command) => {
    close();
    // After the dialog has closed and given the focus back, for a command may open another.
    setTimeout(command.run, 0);
  };
  const onKeyDown = (event) => {
    if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
      event.preventDefault();
      const next = chosen + (event.key === 'ArrowDown' ? 1 : -1);
      setPlace((next + shown.length) % Math.max(1, shown.length));
    } else if (event.key === 'Enter' && shown[chosen]) {
      event.preventDefault();
      run(shown[chosen]);
    }
  };
  return html`<div class="palette">
    <input type="text" role="combobox" aria-expanded="true" aria-controls="found" aria-autocomplete="list" autofocus
      autocomplete="off" spellcheck="false"
      aria-label=${onlyInstruments ? 'find an instrument' : 'find'}
        aria-activedescendant=${shown.length ? `found-${chosen}` : null}
      placeholder=${onlyInstruments ? 'instrument, such as 28NOV26 or PERP' : 'view, underlying, measure, instrument, #record'}
      value=${wanted} onInput=${(event) => {
        setWanted(event.currentTarget.value);
        setPlace(0);
      }} onKeyDown=${onKeyDown} />
    <ul id="found" role="listbox" aria-label="found"
      ref=${list}>${shown.map((one, index) => html`<li key=${one.kind + one.text} id="found-${index}" role="option"
      aria-selected=${index === chosen ? 'true' : 'false'} onClick=${() => run(one)} onMouseMove=${() => setPlace(index)}>
      <span class="kind">${one.kind}</span> <span>${one.text}</span> <span class="spring">
        </span> ${one.hint && html`<kbd>${one.hint}</kbd>`}</li>`)}
    </ul>
    ${!shown.length && html`<p
      class="empty">${onlyInstruments ? 'no instrument held has that in its name' : 'nothing of that name'}</p>`}
  </div>`;
}

/** @param {{onlyInstruments?: boolean}} [options] */
export function openPalette({ onlyInstruments = false } = {}) {
  openDialog((close) => html`<${Palette} close=${close} onlyInstruments=${onlyInstruments} />`, onlyInstruments
    ? 'find an instrument' : 'find');
}
