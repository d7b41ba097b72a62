/** @file The list of views. */
import { html, useState, useEffect } from '../lib/h.js';
import { route, useView, address } from '../lib/store.js';
import { VIEWS, GROUPS } from '../views/index.js';

export function Side() {
  const [isOpen, setOpen] = useState(false);
  const here = route.value.view;
  const { data } = useView('overview');
  useEffect(() => setOpen(false), [here]);
  const count = { proposals: data?.proposals_open || null };
  return html`<nav class="side ${isOpen ? 'open' : ''}" aria-label="Views">
    <button type="button" class="menu" aria-expanded=${isOpen ? 'true' : 'false'} onClick=${() => setOpen(!isOpen)}>
      <span aria-hidden="true">☰</span> ${VIEWS.find((view) => view.name === here)?.title ?? 'views'}
      ${count.proposals && html` <span class="count">${count.proposals} to answer</span>`}</button>
    <div class="list">${GROUPS.map((group) => html`<div class="group" key=${group}><span class="label"
      id="group-${group.replaceAll(' ', '-')}">${group}</span>
      <ul aria-labelledby="group-${group.replaceAll(' ', '-')}">${VIEWS.filter((view) => view.group === group).map((view) => {
        const number = VIEWS.indexOf(view) + 1;
        return html`<li key=${view.name}><a href=${address(view.name)} aria-current=${view.name === here ? 'page' : null}
          title="${number < 10 ? `key ${number}, or ` : ''}g ${view.letter}">${view.title}
          ${count[view.name] ? html`<span class="count">${count[view.name]}<span class="sr"> open</span></span>`
            : html`<kbd aria-hidden="true">${number < 10 ? number : `g${view.letter}`}</kbd>`}</a></li>`;
      })}</ul></div>`)}</div>
  </nav>`;
}
