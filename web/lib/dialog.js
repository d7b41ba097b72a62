/** @file Dialogs, on the browser's own <dialog>: it traps the focus, gives it back, and closes by Esc. */
import { html, useLayoutEffect, useRef, signal } from './h.js';

/** What is open: a function that makes the content, or null. */
const opened = signal(null);

/** @param {(close: () => void) => any} content makes the elements of the dialog @param {string} label */
export function openDialog(content, label) {
  opened.value = { content, label };
}

export const closeDialog = () => { opened.value = null; };

/** Stands once in the page. */
export function DialogHost() {
  const box = useRef(null);
  const displayed = useRef(null);
  const shown = opened.value;
  useLayoutEffect(() => {
    displayed.current = shown;
    if (box.current.open) box.current.close();
    // Anew for each content: the focus goes where that one wants it.
    if (shown) box.current.showModal();
  }, [shown]);
  // The browser tells of a closing some time after it: by then the next dialog may have been asked for, and stays.
  const onClose = () => {
    if (!box.current.open && opened.value === displayed.current) closeDialog();
  };
  return html`<dialog ref=${box} aria-label=${shown?.label ?? 'dialog'} onClose=${onClose}
    onClick=${(event) => event.target === box.current && closeDialog()}>
    ${shown && html`<div class="dialog">${shown.content(closeDialog)}</div>`}
  </dialog>`;
}

/* ---------------------------------------------------------------- short messages */

const KEPT_MS = 7000;
let nextNote = 1;
/** @type {import('./h.js').Signal<{id: number, text: string, tone: string}[]>} */
const notes = signal([]);

/** @param {string} text @param {'info'|'ok'|'warn'|'act'} [tone] says it on screen and to screen readers, politely */
export function say(text, tone = 'info') {
  const note = { id: nextNote++, text, tone };
  notes.value = [...notes.value.slice(-3), note];
  setTimeout(() => { notes.value = notes.value.filter((one) => one !== note); }, KEPT_MS);
}

const GLYPHS = { info: 'i', ok: '✓', warn: '!', act: '‼' };

export function Notes() {
  return html`<div class="notes" role="status" aria-live="polite">
    ${notes.value.map((note) => html`<div key=${note.id} class="note ${note.tone}">
      <b aria-hidden="true">${GLYPHS[note.tone]}</b> ${note.text}</div>`)}
  </div>`;
}
