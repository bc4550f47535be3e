/**
 * The page's connection to the server: the API, and the socket that tells of one conversation and comes back by
 * itself. Holds the viewer's token for as long as the tab is open.
 */

const TOKEN_KEY = 'parley-inspect-token';
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;
/** Of RFC 6455: turned away for good. */
const POLICY_VIOLATION = 1008;

export const token = {
  get: () => sessionStorage.getItem(TOKEN_KEY),
  /** @param {string} value */
  set: (value) => sessionStorage.setItem(TOKEN_KEY, value),
  clear: () => sessionStorage.removeItem(TOKEN_KEY),
};

/** What the server answers to one who may not look, or asks for what is not there. */
export class Refused extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Rejects with `Refused`, or as `fetch` does when nobody answers. @param {string} name @param {Record<string, string | null>} [query] */
export async function ask(name, query = {}) {
  const given = Object.entries(query).flatMap(([key, value]) => (value === null || value === '' ? [] : [[key, value]]));
  const mine = token.get();
  const response = await fetch(`/inspect/api/${name}?${new URLSearchParams(given)}`, {
    headers: mine === null ? {} : { authorization: `Bearer ${mine}` },
  });
  const body = await response.json();
  if (!response.ok) throw new Refused(response.status, body.error ?? response.statusText);
  return body;
}

/**
 * Tells of a conversation until the returned function is called. `onLink` hears `live`, `away` (it will come back)
 * or `refused` with the reason.
 * @param {{ owner: string | null, id: string }} conversation
 * @param {{ onMessage(message: import('./steps.js').Message): void, onLink(state: 'live' | 'away' | 'refused', why: string): void }} to
 */
export function follow({ owner, id }, { onMessage, onLink }) {
  const query = new URLSearchParams({ conversation: id, ...(owner === null ? {} : { owner }) });
  let waitMs = FIRST_WAIT_MS;
  let ended = false;
  /** @type {WebSocket} */
  let socket;
  /** @type {number | undefined} */
  let timer;

  const connect = () => {
    const mine = token.get();
    socket = new WebSocket(
      `${location.origin.replace('http', 'ws')}/inspect/events?${query}`,
      mine === null ? [] : ['parley', `parley.token.${mine}`],
    );
    socket.onopen = () => onLink('live', '');
    socket.onmessage = ({ data }) => {
      waitMs = FIRST_WAIT_MS;
      onMessage(JSON.parse(data));
    };
    socket.onclose = ({ code, reason }) => {
      if (ended) return;
      if (code === POLICY_VIOLATION) return onLink('refused', reason);
      onLink('away', reason);
      timer = setTimeout(connect, waitMs);
      waitMs = Math.min(2 * waitMs, LONGEST_WAIT_MS);
    };
  };
  connect();
  return () => {
    ended = true;
    clearTimeout(timer);
    socket.close();
  };
}
