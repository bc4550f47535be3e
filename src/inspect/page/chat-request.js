/**
 * Sends one request of the chat protocol on a socket of its own, with the viewer's token. So an answer to a question is
 * admitted like any client's, and the server decides whose conversation it is.
 */
import { token } from './api.js';

/** Longest wait for the answer; a person can try again. */
const PATIENCE_MS = 20_000;

/**
 * Resolves with the result. Rejects with the words of the server's error, or with what became of the connection.
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
  const timer = setTimeout(() => reject(new Error('The server did not answer in time. Try again.')), PATIENCE_MS);
  socket.onopen = () => socket.send(JSON.stringify({ action, request_id: id, payload }));
  socket.onmessage = ({ data }) => {
    const frame = JSON.parse(data);
    // An error without an id is about the connection: the token is not accepted.
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
