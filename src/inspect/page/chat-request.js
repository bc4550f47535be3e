/**
 * Sends one request of the chat protocol on its own socket, with the viewer's token. So the server checks a response to
 * an interrupt like any client's: only the owner may send it.
 */
import { token } from './api.js';

/** Longest wait for the result; a person can try again. */
const TIMEOUT_MS = 20_000;

/**
 * Resolves with the result. Rejects with the message of the server's error, or with the reason of a lost connection.
 * @param {string} endpoint path of the WebSocket
 * @param {string} action
 * @param {object} payload
 * @returns {Promise<any>}
 */
export function chatRequest(endpoint, action, payload) {
  const id = crypto.randomUUID();
  const mine = token.get();
  const socket = new WebSocket(
    `${location.origin.replace('http', 'ws')}${endpoint}`,
    mine === null ? [] : ['parley', `parley.token.${mine}`],
  );
  const { promise, resolve, reject } = Promise.withResolvers();
  const timer = setTimeout(() => reject(new Error('The server did not respond in time. Try again.')), TIMEOUT_MS);
  socket.onopen = () => socket.send(JSON.stringify({ action, request_id: id, payload }));
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    // An error without an id concerns the connection: the server rejected the token.
    if (frame.request_id !== id && !(frame.status === 'error' && frame.request_id === null)) return;
    if (frame.status === 'error') reject(new Error(frame.error.message));
    else resolve(frame.result);
  };
  socket.onclose = ({ reason }) =>
    reject(
      new Error(reason === '' ? 'The connection was lost. Try again.' : `The server closed the connection: ${reason}.`),
    );
  return promise.finally(() => {
    clearTimeout(timer);
    socket.close();
  });
}
