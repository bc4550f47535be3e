/**
 * Attacks a server from a process of its own: opens sockets, sends each the same frames, and stays connected. Reads the
 * responses or not. An entry point; its argument is an `Attack` as JSON. Prints a line when all is sent.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';

export interface Attack {
  url: string;
  token: string;
  sockets: number;
  /** Sent by each socket at once, in this order. */
  frames: string[];
  /** False: the sockets take no response. */
  reads: boolean;
}

const attack: Attack = JSON.parse(process.argv[2] ?? '');

const sockets = Array.from({ length: attack.sockets }, () => {
  const socket = new WebSocket(attack.url, { headers: { authorization: `Bearer ${attack.token}` } });
  socket.on('error', () => {});
  return socket;
});
await Promise.all(sockets.map((socket) => once(socket, 'open')));
for (const socket of sockets) {
  if (!attack.reads) socket.pause();
  for (const frame of attack.frames) socket.send(frame);
}
process.stdout.write('sent\n');
