/** @file Which key does what. */
import { bind, bindPlace } from '../lib/keys.js';
import { book, go } from '../lib/store.js';
import { MEASURES } from '../lib/measures.js';
import { VIEWS } from '../views/index.js';
import { underlyings, DAYS, bumpFocus } from './tools.js';
import { openPalette, saveShown } from './palette.js';
import { backToLive, isReplayOpen } from './replay.js';
import { openHelp } from './help.js';
import { openTicket } from '../views/ticket.js';

/** @param {any[]} list @param {any} value @param {number} by @returns {any} the neighbour, around the ends */
function neighbour(list, value, by) {
  return list[(list.indexOf(value) + by + list.length) % list.length];
}

function turnUnderlying(by) {
  const list = underlyings.value;
  if (list.length) book.underlying.value = neighbour(list, book.underlying.value, by);
}

function rollTime(by) {
  const index = DAYS.indexOf(book.days.value) + by;
  book.days.value = DAYS[Math.max(0, Math.min(DAYS.length - 1, index))];
}

/** The least surprising thing to leave first: what-if, then replay, then the strip. */
function leave() {
  if (book.bumps.value) book.bumps.value = null;
  else if (book.at.value !== null) backToLive();
  else isReplayOpen.value = false;
}

export function bindKeys() {
  VIEWS.forEach((view, index) => {
    if (index < 9) bind(String(index + 1), () => go(view.name));
    bindPlace(view.letter, () => go(view.name));
  });
  for (const one of MEASURES) {
    if (one.letter) bind(one.letter, () => { book.greek.value = one.key; });
  }
  bind('Ctrl-K', () => openPalette());
  bind('/', () => openPalette({ onlyInstruments: true }));
  bind('u', () => turnUnderlying(1));
  bind('U', () => turnUnderlying(-1));
  bind('[', () => rollTime(-1));
  bind(']', () => rollTime(1));
  bind('b', () => { bumpFocus.value += 1; });
  bind('o', () => openTicket());
  bind('.', () => { book.paused.value = !book.paused.value; });
  bind('e', saveShown);
  bind('?', openHelp);
  bind('Escape', leave);
}
