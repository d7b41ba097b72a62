/**
 * @file The one WebSocket. Subscriptions outlive connections: after a reconnect each is made anew and starts from a
 * snapshot. A gap in the count of updates, or a patch that does not fit, asks for a snapshot.
 */
import { signal } from './h.js';
import { patched } from './patch.js';
import { token } from './session.js';

/** @typedef {{view: string, params: object, onEnvelope: (envelope: object) => void, onError: (error: object) => void}} Wish */

const FIRST_WAIT_MS = 400;
const LONGEST_WAIT_MS = 8000;
const PING_EVERY_MS = 5000;
/** Without any frame for so long the connection is taken for dead. */
const SILENCE_MS = 15000;

/** What the page says of its connection: connecting, up, down. */
export const connection = signal('connecting');
/** Counts up when a connection ended or could not be made. */
export const lost = signal(0);
/** Random word of the server's start; a new one means that the server was restarted. */
export const serverSession = signal(null);

class Live {
  constructor() {
    /** @type {Map<number, Wish & {n: number, envelope: object|null}>} */
    this.wishes = new Map();
    this.nextId = 1;
    this.wait = FIRST_WAIT_MS;
    this.socket = null;
    this.heard = 0;
  }

  /** Opens the connection; called once. */
  start() {
    this.connect();
    setInterval(() => this.check(), PING_EVERY_MS);
    // What may be read can depend on who asks.
    token.subscribe((text) => {
      if (text !== this.shownToken) this.socket?.close();
    });
  }

  connect() {
    const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:';
    // A browser sends no header with a socket: off loopback the token goes as the name of a protocol.
    this.shownToken = token.peek();
    const protocols = this.shownToken ? ['plimsoll', `token.${this.shownToken}`] : ['plimsoll'];
    const socket = new WebSocket(`${scheme}//${location.host}/v1/live`, protocols);
    this.socket = socket;
    socket.onopen = () => {
      this.heard = Date.now();
      this.wait = FIRST_WAIT_MS;
      connection.value = 'up';
      for (const [id, wish] of this.wishes) this.ask(id, wish);
    };
    socket.onmessage = (message) => {
      this.heard = Date.now();
      this.receive(JSON.parse(message.data));
    };
    socket.onclose = () => {
      if (this.socket !== socket) return;
      connection.value = 'down';
      lost.value += 1;
      setTimeout(() => this.connect(), this.wait * (0.75 + Math.random() / 2));
      this.wait = Math.min(this.wait * 2, LONGEST_WAIT_MS);
    };
  }

  check() {
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    if (Date.now() - this.heard > SILENCE_MS) this.socket.close();
    else this.send({ ping: Date.now() });
  }

  send(message) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(message));
  }

  ask(id, wish) {
    wish.n = -1;
    this.send({ subscribe: { id, view: wish.view, params: wish.params } });
  }

  /** @param {Wish} wish @returns {() => void} ends the subscription */
  subscribe(wish) {
    const id = this.nextId++;
    const kept = { ...wish, n: -1, envelope: null };
    this.wishes.set(id, kept);
    this.ask(id, kept);
    return () => {
      this.wishes.delete(id);
      this.send({ unsubscribe: { id } });
    };
  }

  receive(message) {
    if (message.hello) {
      serverSession.value = message.hello.session;
      return;
    }
    const body = message.snapshot ?? message.delta ?? message.error;
    const wish = body && this.wishes.get(body.id);
    if (!wish) return;
    if (message.error) {
      wish.onError(message.error);
      return;
    }
    if (message.snapshot) {
      wish.envelope = body.envelope;
      wish.n = body.n;
    } else if (!this.follow(wish, body)) {
      return;
    }
    wish.onEnvelope(wish.envelope);
  }

  /** @returns {boolean} whether the update followed; else a snapshot has been asked for, once */
  follow(wish, update) {
    if (wish.n < 0) return false;
    try {
      if (update.n !== wish.n + 1) throw new RangeError(`update ${update.n} after ${wish.n}`);
      wish.envelope = patched(wish.envelope, update.patch);
      wish.n = update.n;
      return true;
    } catch {
      wish.n = -1;
      this.send({ resync: { id: update.id } });
      return false;
    }
  }
}

export const live = new Live();
