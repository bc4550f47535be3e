/**
 * Connects the page to the server: the API, and the WebSocket with the events of one conversation, which reconnects by
 * itself. Keeps the viewer's token while the tab is open.
 */

const TOKEN_KEY = 'parley-inspect-token';
const FIRST_WAIT_MS = 300;
const LONGEST_WAIT_MS = 5000;
/** RFC 6455, section 7.4.1: the server rejects the viewer. A retry does not help. */
const POLICY_VIOLATION = 1008;

/** The viewer's token, kept in the session storage of the tab. Null if there is none. */
export const token = {
  get: () => sessionStorage.getItem(TOKEN_KEY),
  /** @param {string} value */
  set: (value) => sessionStorage.setItem(TOKEN_KEY, value),
  clear: () => sessionStorage.removeItem(TOKEN_KEY),
};

/** An error response of the API: not authorized, not found, or the server failed. */
export class Fault extends Error {
  /** @param {number} status @param {string} message */
  constructor(status, message) {
    super(message);
    this.status = status;
  }
}

/** Rejects with `Fault`, or like `fetch` if the server is unreachable. @param {string} name @param {Record<string, string | null>} [query] */
export async function callApi(name, query = {}) {
  const given = Object.entries(query).flatMap(([key, value]) => (value === null || value === '' ? [] : [[key, value]]));
  const mine = token.get();
  const response = await fetch(`/inspect/api/${name}?${new URLSearchParams(given)}`, {
    headers: mine === null ? {} : { authorization: `Bearer ${mine}` },
  });
  const body = await response.json();
  if (!response.ok) throw new Fault(response.status, body.error ?? response.statusText);
  return body;
}

/**
 * Delivers the events of a conversation until the returned function is called. `onLink` gets `live`, `away` (it
 * reconnects), or `rejected` with the reason.
 * @param {{ owner: string | null, id: string }} conversation
 * @param {{ onMessage(message: import('./steps.js').Message): void, onLink(state: 'live' | 'away' | 'rejected', why: string): void }} to
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
      if (code === POLICY_VIOLATION) return onLink('rejected', reason);
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
