/**
 * @file Who sits here. The program prints an address with the token behind `#`; it is taken out of the address bar at
 * once and kept for this tab only.
 */
import { signal, computed } from './h.js';

const KEY = 'plimsoll.token';

/** Takes `#token=...` out of the address. Runs before anything reads the route. */
function takeToken() {
  const match = /(?:^#|[#&?])token=([^&]+)/.exec(location.hash);
  if (match) {
    sessionStorage.setItem(KEY, decodeURIComponent(match[1]));
    history.replaceState(null, '', `${location.pathname}${location.search}#/overview`);
  }
  return sessionStorage.getItem(KEY);
}

export const token = signal(takeToken());

/** What GET /v1/session says; null until it has. @type {import('./h.js').Signal} */
export const session = signal(null);

/** True when the server shows nothing without a token. */
export const isRefused = signal(false);

/** @param {string} text the token, or '' to act no longer */
export function setToken(text) {
  if (text) sessionStorage.setItem(KEY, text);
  else sessionStorage.removeItem(KEY);
  token.value = text || null;
}

/** What each act needs. */
const ROLES = {
  approve: ['trader', 'risk'],
  decline: ['trader', 'risk'],
  order: ['trader', 'risk'],
  cancel: ['trader', 'risk'],
  kill: ['trader', 'risk'],
  state: ['risk'],
  arming: ['risk'],
};

const role = computed(() => session.value?.role ?? null);

/**
 * @param {'approve'|'decline'|'order'|'cancel'|'kill'|'state'|'arming'} act
 * @returns {string|null} why not; null when it may be done
 */
export function whyNot(act) {
  if (session.value?.mode === 'finished') return 'the journal is finished: nothing can be done any more';
  if (ROLES[act].includes(role.value)) return null;
  const who = ROLES[act].join(' or ');
  if (!token.value) return `viewing only: needs the token of a ${who} (the address that the program printed)`;
  return `needs the role ${who}; this token is ${role.value ? `a ${role.value}` : 'not known'}`;
}
