/** @file Replay: choose a moment of the journal, and every view shows the book as it was then. */
import { html, signal, useEffect, useMemo, useRef, useState } from '../lib/h.js';
import { book, get, now, dataOf } from '../lib/store.js';
import { RecordLink } from '../lib/panel.js';

export const isReplayOpen = signal(false);

/** The slider waits so long for the hand to rest before the state is asked for. */
const REST_MS = 140;
const PLAY_EVERY_MS = 900;
/** The newest moments are read again while the strip is open and live. */
const REREAD_SECONDS = 15;
const WIDTH = 1000;
const HEIGHT = 30;

export function backToLive() {
  book.at.value = null;
}

/** Draws the highest use of any limit over time: where there was trouble is where one wants to look. */
function Trace({ values }) {
  const path = useMemo(() => {
    const known = values.filter((value) => value !== null);
    if (!known.length) return '';
    const top = Math.max(...known, 1e-9);
    let isDown = false;
    return values.map((value, index) => {
      if (value === null) {
        isDown = false;
        return '';
      }
      const at = `${(index / Math.max(1,
        values.length - 1) * WIDTH).toFixed(1)} ${(HEIGHT - 2 - value / top * (HEIGHT - 4)).toFixed(1)}`;
      const piece = `${isDown ? 'L' : 'M'}${at}`;
      isDown = true;
      return piece;
    }).join('');
  }, [values]);
  return html`<svg class="trace" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
    <path d=${path} fill="none" stroke="currentColor" stroke-width="1.5" vector-effect="non-scaling-stroke" /></svg>`;
}

function useMoments(isOpen) {
  const [moments, setMoments] = useState({ times: [], records: [], use: [], error: null });
  const reread = isOpen && book.at.value === null ? Math.floor(now.value / 1000 / REREAD_SECONDS) : 0;
  useEffect(() => {
    if (!isOpen) return;
    get('/v1/history?series=limit_use&points=400').then(
      (answer) => {
        const { times, records, values } = dataOf(answer);
        setMoments({ times, records, use: values.limit_use ?? [], error: null });
      },
      (error) => setMoments((former) => ({ ...former, error })),
    );
  }, [isOpen, reread]);
  return moments;
}

export function Replay() {
  const isOpen = isReplayOpen.value || book.at.value !== null;
  const moments = useMoments(isOpen);
  const [place, setPlace] = useState(null);
  const [isPlaying, setPlaying] = useState(false);
  const rest = useRef(0);
  const last = moments.records.length - 1;

  const show = (index, isResting = true) => {
    const bounded = Math.max(0, Math.min(last, index));
    setPlace(bounded);
    clearTimeout(rest.current);
    const record = moments.records[bounded];
    const set = () => { if (record !== undefined) book.at.value = record; };
    if (isResting) set();
    else rest.current = setTimeout(set, REST_MS);
  };
  useEffect(() => {
    if (book.at.value === null) {
      clearTimeout(rest.current);
      setPlace(null);
      setPlaying(false);
    }
  }, [book.at.value]);
  const current = place ?? (book.at.value === null ? last : nearest(moments.records, book.at.value));
  useEffect(() => {
    if (!isPlaying) return undefined;
    if (current >= last) {
      setPlaying(false);
      return undefined;
    }
    const timer = setTimeout(() => show(current + 1), PLAY_EVERY_MS);
    return () => clearTimeout(timer);
  }, [isPlaying, current, last]);

  if (!isOpen) return null;
  const time = moments.times[current];
  const isReplay = book.at.value !== null;
  return html`<div role="group" class="replay-strip ${isReplay ? 'on' : ''}" aria-label="replay">
    ${isReplay ? html`<b class="replay-word">REPLAY</b>` : html`<span class="label">replay</span>`}
    <button type="button" class="icon" onClick=${() => show(current - 1)} title="one step back"><span
      aria-hidden="true">◂</span><span class="sr">one step back</span></button>
    <button type="button" class="icon" aria-pressed=${isPlaying ? 'true' : 'false'} onClick=${() => {
      if (current >= last) show(0);
      setPlaying(!isPlaying);
    }} title="play from here"><span aria-hidden="true">${isPlaying ? '‖' : '▸'}</span><span class="sr">play</span></button>
    <button type="button" class="icon" onClick=${() => show(current + 1)} title="one step on"><span
      aria-hidden="true">▸▏</span><span class="sr">one step on</span></button>
    <span class="slider" title="line: highest use of a limit over time"><${Trace} values=${moments.use} />
      <input type="range" min="0" max=${Math.max(0, last)} step="1" value=${current} disabled=${last < 1}
        aria-label="moment of the journal"
        aria-valuetext=${time ? `${time}, record ${moments.records[current]}` : 'none'}
        onInput=${(event) => show(Number(event.currentTarget.value), false)} /></span>
    ${moments.error ? html`<span class="act">${moments.error.message}</span>`
      : time ? html`<span class="moment"><b>${time.slice(11, 19)}</b> <span
        class="dim">${time.slice(0, 10)} UTC</span> <${RecordLink}
          record=${isReplay ? book.at.value : moments.records[current]} /></span>`
      : html`<span class="dim">reading the moments…</span>`}
    ${isReplay ? html`<button type="button" class="chip strong" onClick=${backToLive}>back to live <kbd>Esc</kbd></button>`
      : html`<button type="button" class="chip" onClick=${() => { isReplayOpen.value = false; }}>close</button>`}
  </div>`;
}

function nearest(records, record) {
  let best = records.length - 1;
  while (best > 0 && records[best] > record) best -= 1;
  return best;
}
