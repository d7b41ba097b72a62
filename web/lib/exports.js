/** @file What `e` saves: the table or matrix that was last looked at, with full figures. */
import { useEffect, useRef } from './h.js';
import { csv } from './format.js';

/** @type {{current: {name: string, rows: () => any[][]}}[]} */
const offers = [];

/**
 * Offers rows for export while the component is on screen.
 * @param {string} name of the file, without its ending
 * @param {() => any[][]} rows header first; figures as the server sent them
 */
export function useExport(name, rows) {
  const offer = useRef(null);
  offer.current = { name, rows };
  useEffect(() => {
    offers.push(offer);
    return () => offers.splice(offers.indexOf(offer), 1);
  }, []);
  return offer;
}

/** Makes this the one that `e` saves. */
export function preferExport(offer) {
  const index = offers.indexOf(offer);
  if (index >= 0) offers.unshift(...offers.splice(index, 1));
}

/** @returns {string|null} the file's name, or null if there is nothing to save */
export function exportShown() {
  const offer = offers[0]?.current;
  if (!offer) return null;
  const stamp = new Date().toISOString().slice(0, 19).replaceAll(':', '');
  const name = `plimsoll-${offer.name}-${stamp}Z.csv`;
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([csv(offer.rows())], { type: 'text/csv;charset=utf-8' }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
  return name;
}
