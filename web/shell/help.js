/** @file The keys, and the words and signs of the page. */
import { html } from '../lib/h.js';
import { openDialog } from '../lib/dialog.js';
import { MEASURES } from '../lib/measures.js';
import { VIEWS } from '../views/index.js';

const KEYS = [
  ['1 … 9', 'the first nine views'],
  ['g + letter', 'any view (letters at the left)'],
  ['Ctrl K', 'everything by name'],
  ['/', 'find an instrument'],
  ['u, U', 'next, previous underlying'],
  ['d, g, v, t', 'delta, gamma, vega, theta in a matrix'],
  ['[ and ]', 'roll time'],
  ['b', 'bump the market: what-if'],
  ['.', 'pause the screen, and go on'],
  ['j, k, Enter', 'down and up in a list, open'],
  ['o', 'order by hand: it becomes a proposal'],
  ['a, x', 'approve (asks for the size), reject a proposal'],
  ['e', 'save what is shown as CSV, with full figures'],
  ['Esc', 'close; clear the what-if; back to live'],
  ['?', 'this'],
];

const SIGNS = [
  [html`<span class="long">123</span> <span class="short">−123</span>`,
    'blue is long or positive, orange is short or negative'],
  [html`<span class="zero">·</span> and 0`, 'exactly none; rounded to nothing'],
  [html`<span class="na">n/a</span>`, 'no figure; the reason is on hover'],
  [html`<span class="stale">123</span>`, 'grey: stale, without a fresh quote'],
  ['1.23m', 'three digits; the full figure is on hover and in exports'],
  ['#11837', 'the last record of the journal that a figure contains'],
];

export function openHelp() {
  openDialog((close) => html`<div class="dialog-head"><h2 tabindex="-1" autofocus>Keys and signs</h2><button type="button"
    class="chip" onClick=${close}>close <kbd>Esc</kbd></button></div>
    <div class="help">
      <section><h3>Keys</h3>
        <dl>${KEYS.map(([key, text]) => html`<div key=${key}><dt><kbd>${key}</kbd></dt><dd>${text}</dd></div>`)}</dl></section>
      <section><h3>Views</h3>
        <dl>${VIEWS.map((view,
          index) => html`<div key=${view.name}><dt>
            <kbd>g ${view.letter}</kbd>${index < 9 && html` <kbd>${index + 1}</kbd>`}</dt>
        <dd>${view.title}</dd></div>`)}</dl></section>
      <section><h3>Signs</h3>
        <dl>${SIGNS.map(([sign, text]) => html`<div key=${text}><dt>${sign}</dt><dd>${text}</dd></div>`)}</dl></section>
      <section><h3>Measures</h3>
        <dl>${MEASURES.map((one) => html`<div key=${one.key}><dt>${one.word}</dt><dd><b>${one.unit}</b>: ${one.rule}</dd>
          </div>`)}</dl></section>
    </div>`, 'keys and signs');
}
