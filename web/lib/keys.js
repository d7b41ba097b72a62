/**
 * @file Keys. A key does nothing while a person types in a field or a dialog is open; views and lists lend their own
 * keys for as long as they are on screen.
 */
import { useLayoutEffect, useRef } from './h.js';

/** How long `g` waits for its letter before it means gamma. */
const PREFIX_MS = 700;

/** @type {Map<string, (event: KeyboardEvent) => void>} keys that always hold */
const common = new Map();
/** @type {Map<string, (event: KeyboardEvent) => void>} letters behind `g` */
const places = new Map();
/** @type {object[]} keys lent by what is on screen */
const lent = [];
let touched = null;
let prefixTimer = 0;

/** @param {string|string[]} keys @param {(event: KeyboardEvent) => void} act */
export function bind(keys, act) {
  for (const key of [].concat(keys)) common.set(key, act);
}

/** @param {string} letter @param {() => void} act */
export function bindPlace(letter, act) {
  places.set(letter, act);
}

/**
 * Lends keys while the component is on screen; the newest acts are used at each press.
 * @param {Record<string, (event: KeyboardEvent) => void>} keys
 * @param {{current: Element|null}} [place] of a list: of several lists the one touched last has the keys, else the first
 *   on the page; what has no place goes before all lists
 * @param {boolean} [isSecond] asked after all others: a table beside the main one of its view
 */
export function useKeys(keys, place, isSecond = false) {
  const lender = useRef(null);
  lender.current = { keys, place, isSecond };
  // What is on screen has its keys at once, not a frame later.
  useLayoutEffect(() => {
    lent.push(lender);
    return () => {
      lent.splice(lent.indexOf(lender), 1);
      if (touched === lender) touched = null;
    };
  }, []);
  return lender;
}

/** Makes this list the one that has the keys. */
export function takeTheKeys(lender) {
  touched = lender;
}

function isBefore(a, b) {
  if (a.current.isSecond !== b.current.isSecond) return b.current.isSecond;
  const left = a.current.place?.current;
  const right = b.current.place?.current;
  if (!left || !right) return !left;
  return Boolean(left.compareDocumentPosition(right) & Node.DOCUMENT_POSITION_FOLLOWING);
}

function actOf(key) {
  if (touched?.current.keys[key]) return touched.current.keys[key];
  const lenders = lent.filter((lender) => lender.current.keys[key]);
  const first = lenders.reduce((best, lender) => (best && isBefore(best, lender) ? best : lender), null);
  return first?.current.keys[key] ?? common.get(key);
}

/** The field of a dialog has the focus for a frame after the dialog has closed: nobody types there any more. */
function isTyping(target) {
  return target instanceof HTMLElement && !target.closest('dialog:not([open])')
    && (target.isContentEditable || target.matches('input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select'));
}

function onKey(event) {
  if (event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    // What somebody has begun to fill in stays.
    if (!document.querySelector('dialog[open] form')) common.get('Ctrl-K')?.(event);
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (isTyping(event.target)) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
  // A slider moves by its own arrows, whatever list would like them.
  if (event.target instanceof HTMLInputElement && event.target.type === 'range' && /^(Arrow|Home|End|Page)/.test(event.key)) return;
  if (prefixTimer) {
    clearTimeout(prefixTimer);
    prefixTimer = 0;
    const place = places.get(event.key);
    if (place) {
      event.preventDefault();
      place();
      return;
    }
  }
  if (event.key === 'g') {
    prefixTimer = setTimeout(() => {
      prefixTimer = 0;
      actOf('g')?.(event);
    }, PREFIX_MS);
    return;
  }
  const act = actOf(event.key);
  if (!act) return;
  event.preventDefault();
  act(event);
}

/** Starts listening; called once. */
export function startKeys() {
  addEventListener('keydown', onKey);
}
