/** @file A view as it was some hours ago, to compare with. */
import { useEffect, useState } from './h.js';
import { book, get, dataOf } from './store.js';

/** So many points are enough to find a record near an hour. */
const POINTS = 500;

/** @returns {Promise<number|null>} the record nearest to so many hours before the last point, or before `at` */
async function recordBefore(hours, at, signal) {
  const query = new URLSearchParams({ series: 'value_usd', points: POINTS });
  const known = dataOf(await get(`/v1/history?${query}`, signal));
  const end = at === null ? known.times.length : known.records.findLastIndex((record) => record <= at) + 1;
  const [times, records] = [known.times.slice(0, end), known.records.slice(0, end)];
  if (times.length < 2) return null;
  const wanted = Date.parse(times.at(-1)) - hours * 3600e3;
  const distance = (time) => Math.abs(Date.parse(time) - wanted);
  const index = times.reduce((best, time, place) => (distance(time) < distance(times[best]) ? place : best), 0);
  // The newest point itself is no past to compare with.
  return index === times.length - 1 ? null : records[index];
}

/**
 * @param {string} view @param {object} params @param {number} hours 0 asks for nothing
 * @returns {{env: object|null, error: string|null}} the state so long ago; as long ago as the journal goes, if shorter
 */
export function usePast(view, params, hours) {
  const [state, setState] = useState({ env: null, error: null });
  const at = book.at.value;
  const wanted = JSON.stringify([view, params, hours, at]);
  useEffect(() => {
    setState({ env: null, error: null });
    if (!hours) return undefined;
    const ended = new AbortController();
    const ask = async () => {
      const record = await recordBefore(hours, at, ended.signal);
      if (record === null) throw new Error('the journal is too short to compare with');
      const env = await get(`/v1/${view}?${new URLSearchParams({ ...params, at: record })}`, ended.signal);
      setState({ env, error: null });
    };
    ask().catch((error) => {
      if (!ended.signal.aborted) setState({ env: null, error: error.message });
    });
    return () => ended.abort();
  }, [wanted]);
  return state;
}
