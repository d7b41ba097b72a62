/**
 * @file What the page knows: the choices of the person (`book`), the route, and one entry for each view that somebody
 * looks at. Live entries follow the WebSocket; at a moment of the past, or in a bumped market, they are asked for by GET.
 */
import { signal, computed, effect, batch, useEffect, useRef } from './h.js';
import { live, lost, serverSession } from './socket.js';
import { token, session, isRefused, setToken } from './session.js';

/** @typedef {{spot_percent: string, vol_points: string, days: string}} Bumps */

const REMEMBERED = 'plimsoll.choices';
/** How often a bumped market is asked for again while the stream runs. */
const BUMPED_EVERY_MS = 2000;
/** A view left for less than this is still followed, so that going back and forth costs nothing. */
const GRACE_MS = 4000;

function remembered() {
  try {
    return JSON.parse(localStorage.getItem(REMEMBERED)) ?? {};
  } catch {
    return {};
  }
}

const kept = remembered();
const lightSystem = matchMedia('(prefers-color-scheme: light)');
const narrowScreen = matchMedia('(max-width: 720px)');

/** Choices that hold for all views. */
export const book = {
  /** A journal record whose state is shown, or null for now. */
  at: signal(null),
  /** @type {import('./h.js').Signal<Bumps|null>} */
  bumps: signal(null),
  paused: signal(false),
  underlying: signal(kept.underlying ?? 'BTC'),
  greek: signal(kept.greek ?? 'delta_cash_usd'),
  inCoin: signal(false),
  days: signal(0),
  /** dark or light, resolved. */
  theme: signal(kept.theme ?? (lightSystem.matches ? 'light' : 'dark')),
  narrow: signal(narrowScreen.matches),
};
narrowScreen.addEventListener('change', (event) => { book.narrow.value = event.matches; });

effect(() => {
  document.documentElement.dataset.theme = book.theme.value;
  const choices = { underlying: book.underlying.value, greek: book.greek.value, theme: book.theme.value };
  localStorage.setItem(REMEMBERED, JSON.stringify(choices));
});

/** Wall clock in ms, once a second: ages are read against it. */
export const now = signal(Date.now());
setInterval(() => { now.value = Date.now(); }, 1000);

/** Least (arrival - computed) seen: what the two clocks differ by, and the way. */
let clockSkew = Infinity;

/** @param {object|null} envelope @returns {number|null} seconds since the server computed it; reads the clock */
export function ageSeconds(envelope) {
  if (!envelope?.computed) return null;
  const skew = Number.isFinite(clockSkew) ? clockSkew : 0;
  return Math.max(0, (now.value - Date.parse(envelope.computed) - skew) / 1000);
}

/* ---------------------------------------------------------------- the route */

function readRoute() {
  const [path, query = ''] = location.hash.replace(/^#\/?/, '').split('?');
  const [view = '', id = null] = path.split('/').map(decodeURIComponent);
  return { view: view || 'overview', id, params: Object.fromEntries(new URLSearchParams(query)) };
}

export const route = signal(readRoute());
addEventListener('hashchange', () => { route.value = readRoute(); });

/** An address with `at=RECORD` shows the book as it was then, so that a moment can be sent to somebody. */
effect(() => {
  const at = Number(route.value.params.at);
  if (Number.isInteger(at) && at > 0) book.at.value = at;
});

/** @param {string} view @param {object} [params] `id` becomes part of the path */
export function address(view, params = {}) {
  const { id, ...rest } = params;
  const query = new URLSearchParams(Object.entries(rest).filter(([, value]) => value !== null && value !== undefined));
  const path = id === undefined ? view : `${view}/${encodeURIComponent(id)}`;
  return `#/${path}${query.size ? `?${query}` : ''}`;
}

/** Shows a view. */
export function go(view, params) {
  if (params?.underlying) book.underlying.value = params.underlying;
  location.hash = address(view, params);
}

/* ---------------------------------------------------------------- requests */

/** A refusal of the server, with its own words. */
export class ApiError extends Error {
  constructor(status, body) {
    super(body?.error?.message ?? `the server answered ${status}`);
    this.status = status;
    this.code = body?.error?.code ?? String(status);
    this.hint = body?.error?.hint ?? null;
  }
}

async function request(path, options) {
  const headers = { ...(token.value ? { Authorization: `Bearer ${token.value}` } : {}), ...options.headers };
  const answer = await fetch(path, { ...options, headers });
  const body = await answer.json().catch(() => null);
  if (!answer.ok) throw new ApiError(answer.status, body);
  return body;
}

/** @param {string} path such as /v1/records/12 */
export const get = (path, signal) => request(path, { signal });

/** @param {object} answer @returns {object} its figures: a view comes in an envelope, history and alerts come bare */
export const dataOf = (answer) => answer.data ?? answer;

/** @param {string} path @param {object} body */
export const post = (path, body) => request(path, {
  method: 'POST',
  headers: { 'Content-Type': 'application/json' },
  body: JSON.stringify(body),
});

/**
 * Reads who sits here: again after each change of the token, each lost connection and each start of the server, for a
 * server that was restarted may not know the token any more. Such a token is put away: reading may be free without it.
 */
effect(() => {
  void lost.value;
  void serverSession.value;
  const asked = token.value;
  get('/v1/session').then((answer) => {
    session.value = dataOf(answer);
    isRefused.value = false;
  }, (error) => {
    if (error.status !== 401) return;
    if (!asked) isRefused.value = true;
    else if (token.peek() === asked) setToken('');
  });
});

/* ---------------------------------------------------------------- views */

/** @typedef {{env: object|null, error: Error|object|null, loading: boolean}} State */

/** @type {Map<string, Entry>} */
const entries = new Map();

/** Drawing may take this share of the time; a book that takes longer to draw is drawn less often. */
const DRAWING_SHARE = 0.3;
const LONGEST_BETWEEN_MS = 2000;

const waiting = new Set();
let isDue = false;
let betweenMs = 0;

/** Shows what has arrived with the next frame that is due, however much arrives. */
function publishSoon(entry) {
  waiting.add(entry);
  if (isDue) return;
  isDue = true;
  setTimeout(() => requestAnimationFrame(publish), betweenMs);
}

function publish() {
  isDue = false;
  if (book.paused.peek()) return;
  const start = performance.now();
  batch(() => {
    for (const entry of waiting) entry.state.value = entry.latest;
    waiting.clear();
  });
  // A task that is queued now runs after the drawing that the changes have caused.
  requestAnimationFrame(() => setTimeout(() => {
    betweenMs = Math.min(LONGEST_BETWEEN_MS, (performance.now() - start - 20) / DRAWING_SHARE);
  }));
}

effect(() => {
  if (!book.paused.value && waiting.size) publishSoon(waiting.values().next().value);
});

/** Alerts of the past come bare; a panel wants to know of when they are. */
function enveloped(answer, { view, at }) {
  if (answer.data) return answer;
  return { view, record: at, asof: null, computed: null, is_live: false, partial: false, stale: [], data: answer };
}

class Entry {
  constructor(key, view, params, at, bumps) {
    Object.assign(this, { key, view, params, at, bumps });
    /** @type {State} */
    this.latest = { env: null, error: null, loading: true };
    this.state = signal(this.latest);
    this.holders = 0;
    this.stop = null;
    this.leaving = 0;
  }

  hold() {
    clearTimeout(this.leaving);
    this.holders += 1;
    if (!this.stop) this.stop = this.at === null && !this.bumps ? this.follow() : this.ask();
  }

  release() {
    this.holders -= 1;
    if (this.holders > 0) return;
    this.leaving = setTimeout(() => {
      this.stop?.();
      this.stop = null;
      entries.delete(this.key);
    }, GRACE_MS);
  }

  take(env) {
    if (env.is_live) clockSkew = Math.min(clockSkew, Date.now() - Date.parse(env.computed));
    this.latest = { env, error: null, loading: false };
    // The first answer is shown even while paused: there is nothing older to hold on to.
    if (this.state.peek().env === null) this.state.value = this.latest;
    else publishSoon(this);
  }

  fail(error) {
    this.latest = { env: this.latest.env, error, loading: false };
    this.state.value = this.latest;
  }

  follow() {
    return live.subscribe({
      view: this.view,
      params: this.params,
      onEnvelope: (env) => this.take(env),
      onError: (error) => this.fail(error),
    });
  }

  ask() {
    // A ladder has `days` of its own: the words of a bump are spelled out.
    const bumps = Object.entries(this.bumps ?? {}).map(([key, text]) => [`bump_${key}`, text]);
    const query = new URLSearchParams([...Object.entries(this.params), ...bumps]);
    if (this.at !== null) query.set('at', this.at);
    const path = `/v1/${this.view}?${query}`;
    const ended = new AbortController();
    let timer = 0;
    const once = async () => {
      try {
        this.take(enveloped(await get(path, ended.signal), this));
      } catch (error) {
        if (ended.signal.aborted) return;
        this.fail(error);
      }
      // A state of the past does not change; a bumped market follows the market.
      if (this.at === null) timer = setTimeout(once, BUMPED_EVERY_MS);
    };
    once();
    return () => {
      ended.abort();
      clearTimeout(timer);
    };
  }
}

const text = (params) => Object.fromEntries(
  Object.entries(params).filter(([, value]) => value !== null && value !== undefined).map(([key, value]) => [key, String(value)]),
);

function entryFor(view, params, at, bumps) {
  const key = JSON.stringify([view, Object.entries(params).sort(), at, bumps]);
  let entry = entries.get(key);
  if (!entry) {
    entry = new Entry(key, view, params, at, bumps);
    entries.set(key, entry);
  }
  return entry;
}

/**
 * Follows a view while the component is on screen.
 *
 * @param {string} view
 * @param {object} [params]
 * @param {{isAlwaysLive?: boolean, isUnbumped?: boolean}} [options] always live: neither replay nor bumps apply;
 *   unbumped: what was said does not change with the market that one imagines
 */
export function useView(view, params = {}, options = {}) {
  const at = options.isAlwaysLive ? null : book.at.value;
  const bumps = options.isAlwaysLive || options.isUnbumped ? null : book.bumps.value;
  const wanted = text(params);
  const entry = entryFor(view, wanted, at, bumps);
  useEffect(() => {
    entry.hold();
    return () => entry.release();
  }, [entry]);
  const { env, error, loading } = entry.state.value;
  // While another moment or bump is on its way the former one stays, marked as loading; with other parameters it does
  // not, for then the figures would stand under the wrong words.
  const former = useRef({ of: '', env: null });
  const of = JSON.stringify([view, wanted]);
  if (env) former.current = { of, env };
  const shown = env ?? (former.current.of === of ? former.current.env : null);
  return {
    env: shown,
    data: shown?.data ?? null,
    error,
    loading: loading || env === null,
    isStale: (underlying) => shown?.stale?.includes(underlying) ?? false,
    get age() {
      return ageSeconds(shown);
    },
  };
}

/** Words for what is not simply now: replay, what-if. */
export const frameOf = computed(() => {
  if (book.bumps.value) return 'whatif';
  return book.at.value !== null ? 'replay' : 'live';
});
