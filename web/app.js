/** @file Starts the page: the shell around the view that the address names. */
import { html, render, useEffect, useRef, useState } from './lib/h.js';
import { route, book, go, frameOf } from './lib/store.js';
import { live, connection } from './lib/socket.js';
import { startKeys } from './lib/keys.js';
import { DialogHost, Notes } from './lib/dialog.js';
import { Panel } from './lib/panel.js';
import { Boundary } from './lib/boundary.js';
import { viewOf } from './views/index.js';
import { Header } from './shell/header.js';
import { Side } from './shell/side.js';
import { Tools } from './shell/tools.js';
import { Replay } from './shell/replay.js';
import { Herald } from './shell/herald.js';
import { bindKeys } from './shell/bindings.js';

/** Modules that have been read, by name. */
const loaded = new Map();

function Shown() {
  const { view: name, id, params } = route.value;
  const listed = viewOf(name);
  const [, redraw] = useState(0);
  const [trouble, setTrouble] = useState(null);
  useEffect(() => {
    document.title = `${listed?.title ?? 'Not found'} · Plimsoll`;
    setTrouble(null);
    if (!listed || loaded.has(name)) return;
    listed.load().then(
      (module) => {
        loaded.set(name, module.default);
        redraw((count) => count + 1);
      },
      (error) => setTrouble(error),
    );
  }, [name]);
  if (!listed) {
    return html`<${Panel} title="No such view"><p>There is no view “${name}”.
      <button type="button" class="chip" onClick=${() => go('overview')}>to the overview</button></p><//>`;
  }
  const shown = loaded.get(name);
  if (!shown) return html`<${Panel} title=${listed.title} env=${null} error=${trouble} loading />`;
  return html`<${Boundary} key=${name} title=${listed.title}><${shown.Component} id=${id} params=${params} /><//>`;
}

/** Stays in sight; what sticks below it asks for its height. */
function Top() {
  const box = useRef(null);
  useEffect(() => {
    const measured = new ResizeObserver(() => {
      document.documentElement.style.setProperty('--top', `${box.current.offsetHeight}px`);
    });
    measured.observe(box.current);
    return () => measured.disconnect();
  }, []);
  return html`<header class="top" ref=${box}><${Header} /><${Tools} /><${Replay} /></header>`;
}

function App() {
  const frame = frameOf.value;
  return html`
    <a class="skip" href="#main" onClick=${(event) => {
      event.preventDefault();
      document.getElementById('main').focus();
    }}>to the figures</a>
    <${Top} />
    <div class="frame ${frame} ${book.paused.value ? 'paused' : ''} ${connection.value === 'down' ? 'offline' : ''}">
      <${Side} />
      <main id="main" tabindex="-1"><h1 class="sr">${viewOf(route.value.view)?.title ?? 'Not found'}</h1><${Shown} /></main>
    </div>
    <${DialogHost} />
    <${Notes} />
    <${Herald} />`;
}

live.start();
startKeys();
bindKeys();
const root = document.getElementById('app');
root.replaceChildren();
render(html`<${App} />`, root);
