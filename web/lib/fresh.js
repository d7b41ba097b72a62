/** @file Greys what rests on quotes that are no longer fresh, and says so on hover and to screen readers. */
import { html } from './h.js';

const WORD = 'stale: no fresh quote';

/** @param {{isStale: boolean}} props */
export function Fresh({ isStale, children }) {
  return html`<div class=${isStale ? 'stale' : null} title=${isStale ? WORD : null}>
    ${isStale && html`<span class="sr">${WORD}</span>`}${children}</div>`;
}
