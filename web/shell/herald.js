/** @file Says new alerts and proposals aloud, politely, whatever view is shown. */
import { useEffect, useRef } from '../lib/h.js';
import { useView } from '../lib/store.js';
import { connection, serverSession } from '../lib/socket.js';
import { token } from '../lib/session.js';
import { say } from '../lib/dialog.js';
import { worded } from '../lib/format.js';

/** More than so many at once are counted, not read out. */
const MOST = 2;

/** What is read out is cut; the whole text is in the alerts. */
const LONGEST = 140;
const brief = (text) => worded(text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text);

const keyOf = (entry) => `${entry.record}.${entry.index}`;

export function Herald() {
  const { data } = useView('alerts', {}, { isAlwaysLive: true });
  const newest = useRef(null);
  useEffect(() => {
    const entries = data?.entries ?? [];
    if (!entries.length) return;
    const before = newest.current;
    newest.current = keyOf(entries[0]);
    if (before === null) return;
    const known = entries.findIndex((entry) => keyOf(entry) === before);
    const fresh = (known < 0 ? entries : entries.slice(0, known))
      .filter((entry) => entry.severity === 'act');
    for (const entry of fresh.slice(0, MOST)) say(brief(entry.text), 'act');
    if (fresh.length > MOST) say(`and ${fresh.length - MOST} more alerts`, 'warn');
  }, [data]);
  const wasUp = useRef(false);
  useEffect(() => {
    if (connection.value === 'up') {
      if (wasUp.current) say('connected again', 'ok');
      wasUp.current = true;
    } else if (connection.value === 'down' && wasUp.current) {
      say('the connection to the server is lost', 'act');
    }
  }, [connection.value]);
  const hadToken = useRef(Boolean(token.value));
  useEffect(() => {
    if (hadToken.current
      && !token.value) say('the token is put away: viewing only. After a restart the program prints a new address', 'warn');
    hadToken.current = Boolean(token.value);
  }, [token.value]);
  const session = useRef(null);
  useEffect(() => {
    if (session.current && serverSession.value !== session.current) say('the server was restarted', 'warn');
    session.current = serverSession.value;
  }, [serverSession.value]);
  return null;
}
