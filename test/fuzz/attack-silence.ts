/**
 * Attacks by doing nothing: unfinished handshakes, sockets that stop answering, clients that request a lot and never
 * read. The server must end each of them by itself.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { dial } from './raw-socket.ts';
import { openRawWebSocket, upgradeRequest } from './raw-websocket.ts';
import type { AttackContext } from './attack-context.ts';
import { encodeFrame } from './wire-frames.ts';

/** Longer than the handshake timeout and two heartbeats, as the fuzz run configures them. */
const timeoutMs = 10_000;
/** Within this time the heartbeat finds such a socket dead. */
const deadAfterMs = 4_000;

/** Connects and sends nothing, or a handshake up to a random byte. */
export async function withholdHandshake(context: AttackContext): Promise<void> {
  const { random, target } = context;
  const socket = await dial(target, context);
  context.count('sockets');
  const request = upgradeRequest(target);
  if (random.chance(0.7)) socket.write(request.slice(0, random.int(1, request.length - 1)));
  if (random.chance(0.2)) socket.end();
  await socket.mustEnd(timeoutMs, 'a connection that never finished its handshake');
}

/** Opens a normal socket, sometimes with a running turn and half a frame, and answers no pings. */
export async function ignorePings(context: AttackContext): Promise<void> {
  const { random, names } = context;
  const socket = await openRawWebSocket(context.target, { ...context, onText: () => {}, onPong: () => {} });
  context.count('sockets');
  socket.stopPongs();
  if (random.chance(0.5)) {
    const payload = { text: 'Please answer me.', conversation_id: names.plausible('conversation_id') };
    socket.send(Buffer.from(JSON.stringify({ action: 'chat', request_id: names.requestId(), payload })));
  }
  const half = encodeFrame(random.bytes(100));
  if (random.chance(0.5)) socket.raw.write(half.subarray(0, random.int(1, half.length - 1)));
  await socket.raw.mustEnd(timeoutMs, 'a socket that answers no ping');
}

/** Requests a lot and reads nothing. */
export async function neverRead(context: AttackContext): Promise<void> {
  const { random, names } = context;
  const socket = await openRawWebSocket(context.target, { ...context, onText: () => {}, onPong: () => {} });
  context.count('sockets');
  socket.raw.pause();
  const conversationId = names.plausible('conversation_id');
  const ask = (action: string, payload: object) =>
    socket.send(Buffer.from(JSON.stringify({ action, request_id: names.requestId(), payload })));
  ask('subscribe', { conversation_id: conversationId, state: true });
  ask('chat', { text: 'Write a long answer.', conversation_id: conversationId });
  for (let left = random.int(10, 400); left > 0; left -= 1)
    ask('history', { conversation_id: conversationId, limit: 500 });
  await pause(deadAfterMs);
  // Only a client that reads notices that the other end is gone.
  socket.raw.resume();
  await socket.raw.mustEnd(timeoutMs, 'a socket that reads nothing');
}
