/** Lists the attacks by reads of the log, for the tests and the bench. */
import { large } from './attacked-server.ts';
import type { Attack } from './attacker.ts';

/** Bytes of the tool result that the attacks read. */
export const RESULT_BYTES = 15 * 1024 * 1024;

const history = (id: number) =>
  JSON.stringify({ action: 'history', request_id: `h${id}`, payload: { conversation_id: large.conversationId } });
const again = JSON.stringify({
  action: 'chat',
  request_id: large.requestId,
  payload: { conversation_id: large.conversationId, text: large.text },
});
const subscribe = (id: number) =>
  JSON.stringify({
    action: 'subscribe',
    request_id: `s${id}`,
    payload: { conversation_id: large.conversationId, after_seq: 0 },
  });
const times = (count: number, frame: (id: number) => string) => Array.from({ length: count }, (_, id) => frame(id));

export const readAttacks: readonly { name: string; attack: Omit<Attack, 'url' | 'token'> }[] = [
  { name: 'history frames of a socket that reads', attack: { sockets: 1, frames: times(200, history), reads: true } },
  { name: 'history frames of 20 sockets', attack: { sockets: 20, frames: times(200, history), reads: true } },
  {
    name: 'history frames of 20 sockets that take no response',
    attack: { sockets: 20, frames: times(200, history), reads: false },
  },
  { name: 'a finished chat that is sent again', attack: { sockets: 5, frames: times(200, () => again), reads: true } },
  { name: 'subscriptions', attack: { sockets: 5, frames: times(200, subscribe), reads: false } },
];
