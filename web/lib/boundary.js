/** @file A view that cannot be drawn says so in its place, and takes nothing else with it. */
import { useErrorBoundary } from '../vendor/hooks.mjs';
import { html } from './h.js';
import { Panel } from './panel.js';

/** @param {{title: string}} props */
export function Boundary({ title, children }) {
  const [error, again] = useErrorBoundary((caught) => console.error(caught));
  if (!error) return children;
  return html`<${Panel} title=${title} error=${{ code: 'not drawn', message: String(error.message ?? error) }}>
    <p>The figures came, and this page could not draw them. Everything else goes on; the same figures are in the answer of <code>/v1</code>.</p>
    <p><button type="button" class="chip" onClick=${again}>draw again</button></p>
  <//>`;
}
