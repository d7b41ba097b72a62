/**
 * @file Keys. A key does nothing while a person types in a field or a dialog is open; views and lists lend their own
 * keys for as long as they are on screen, the newest first.
 */
import { useEffect, useRef } from './h.js';

/** How long `g` waits for its letter before it means gamma. */
const PREFIX_MS = 700;

/** @type {Map<string, (event: KeyboardEvent) => void>} keys that always hold */
const common = new Map();
/** @type {Map<string, (event: KeyboardEvent) => void>} letters behind `g` */
const places = new Map();
/** @type {object[]} keys lent by what is on screen */
const lent = [];
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
 * @param {boolean} [isSecond] asked last, until it is touched: a table that stands beside the main one of its view
 */
export function useKeys(keys, isSecond = false) {
  const newest = useRef(keys);
  newest.current = keys;
  useEffect(() => {
    if (isSecond) lent.unshift(newest);
    else lent.push(newest);
    return () => lent.splice(lent.indexOf(newest), 1);
  }, []);
  return newest;
}

/** Makes these keys the first to be asked, as when a list is clicked. */
export function takeTheKeys(holder) {
  const index = lent.indexOf(holder);
  if (index >= 0) lent.push(...lent.splice(index, 1));
}

function actOf(key) {
  for (let index = lent.length - 1; index >= 0; index -= 1) {
    const act = lent[index].current[key];
    if (act) return act;
  }
  return common.get(key);
}

function isTyping(target) {
  return target instanceof HTMLElement
    && (target.isContentEditable || target.matches('input:not([type=checkbox]):not([type=radio]):not([type=range]), textarea, select'));
}

function onKey(event) {
  if (event.isComposing) return;
  if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'k') {
    event.preventDefault();
    common.get('Ctrl-K')?.(event);
    return;
  }
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector('dialog[open]')) return;
  if (isTyping(event.target)) {
    if (event.key === 'Escape') event.target.blur();
    return;
  }
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
