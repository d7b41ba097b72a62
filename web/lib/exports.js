/** @file What `e` saves: what was touched last, else the first matrix or table of the view, with full figures. */
import { useEffect, useRef } from './h.js';
import { csv } from './format.js';

/** @typedef {{name: string, rows: () => any[][], place?: {current: Element|null}}} Offer */

/** @type {{current: Offer}[]} */
const offers = [];
let touched = null;

/**
 * Offers rows for export while the component is on screen.
 * @param {string} name of the file, without its ending
 * @param {() => any[][]} rows header first; figures as the server sent them
 * @param {{current: Element|null}} [place] where it stands; without it, it goes before all that have one
 */
export function useExport(name, rows, place) {
  const offer = useRef(null);
  offer.current = { name, rows, place };
  useEffect(() => {
    offers.push(offer);
    return () => {
      offers.splice(offers.indexOf(offer), 1);
      if (touched === offer) touched = null;
    };
  }, []);
  return offer;
}

/** Makes this the one that `e` saves. */
export function preferExport(offer) {
  touched = offer;
}

function isBefore(a, b) {
  const left = a.current.place?.current;
  const right = b.current.place?.current;
  if (!left || !right) return !left;
  return Boolean(left.compareDocumentPosition(right) & Node.DOCUMENT_POSITION_FOLLOWING);
}

/** Saves a text as a file of the person's computer. */
export function saveFile(name, text, type) {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

/** @returns {string|null} the file's name, or null if there is nothing to save */
export function exportShown() {
  const chosen = touched ?? offers.reduce((best, offer) => (best && isBefore(best, offer) ? best : offer), null);
  if (!chosen) return null;
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '');
  const name = `plimsoll-${chosen.current.name}-${stamp}Z.csv`;
  saveFile(name, csv(chosen.current.rows()), 'text/csv;charset=utf-8');
  return name;
}
