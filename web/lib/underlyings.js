/** @file The underlying that the views share, chosen in the row above them. */
import { useEffect } from './h.js';
import { book } from './store.js';

/** @param {{underlying?: string}} params of the address @returns {string} the underlying that is shown */
export function useUnderlying(params) {
  useEffect(() => {
    if (params?.underlying) book.underlying.value = params.underlying;
  }, [params?.underlying]);
  return book.underlying.value;
}
