/** @file Positions, as many at a time as a page can draw; the server counts the others and finds them by their names. */
import { useView } from './store.js';

/** Nobody reads, and no browser draws, more rows ten times a second. */
export const MOST_ROWS = 500;
/** More are sent where they are added up here. */
export const MOST_UNFOLDED_ROWS = 2000;

/**
 * Follows positions.
 * @param {object} [params] as the view has them: underlying, expiry, kind, account, venue, find, limit
 * @param {object} [options] of {@link useView}
 */
export const usePositions = (params = {}, options = {}) => useView('positions', { limit: MOST_ROWS, ...params }, options);

/** @param {object|null} data of the view @returns {boolean} whether there are rows beyond its limit */
export const isPart = (data) => data !== null && data.rows_total > data.rows.length;
