/** Attacks with many connections: hundreds that drop at any moment, and more than one address may have. */
import { setTimeout as pause } from 'node:timers/promises';
import { closeCodes } from '../../src/protocol/close-codes.ts';
import { Violation } from './violation.ts';
import { bearer, crowdAddresses } from './tokens.ts';
import { dial, type RawSocket } from './raw-socket.ts';
import { openRawWebSocket, upgradeRequest, type RawWebSocket } from './raw-websocket.ts';
import type { AttackContext } from './attack-context.ts';
import { encodeFrame } from './wire-frames.ts';

/** Connects and drops: before, during and after the handshake, in a frame, in a turn. */
export async function connectAndDrop(context: AttackContext): Promise<void> {
  const crowd = Array.from({ length: context.random.int(20, 150) }, () => connectAndDropOnce(context));
  await Promise.all(crowd);
}

async function connectAndDropOnce(context: AttackContext): Promise<void> {
  const { random, names, target } = context;
  // All random choices are made before the first await: the order in which connections open cannot be repeated.
  const delayMs = random.int(0, 30);
  const manner = random.pick(['closed', 'reset'] as const);
  const upgrade = upgradeRequest(target);
  const chat = {
    action: 'chat',
    request_id: names.requestId(),
    payload: { text: 'Bye!', conversation_id: names.plausible('conversation_id') },
  };
  const all = Buffer.concat([Buffer.from(upgrade), encodeFrame(Buffer.from(JSON.stringify(chat)))]);
  const bytes = all.subarray(
    0,
    random.pick([0, random.int(1, upgrade.length), upgrade.length, random.int(upgrade.length, all.length), all.length]),
  );
  const socket: RawSocket = await dial(target, context);
  context.count('sockets');
  if (bytes.length > 0) socket.write(bytes);
  await pause(delayMs);
  socket.drop(manner);
  await socket.gone;
}

/** `max_connections_per_address` of the configuration. */
const maxPerAddress = 1000;
const timeoutMs = 30_000;

/** Opens as many connections as one address may have, and then more. */
export async function exhaustConnections(context: AttackContext): Promise<void> {
  // No other client uses this address.
  const place = context.random.int(1, crowdAddresses);
  const localAddress = `127.0.2.${place}`;
  const target = { ...context.target, credential: bearer(context.tokens?.crowds[place - 1]) };
  const beyond = context.random.int(1, 100);
  const sockets: RawWebSocket[] = [];
  for (let count = 0; count < maxPerAddress + beyond; count += 1) {
    sockets.push(await openRawWebSocket(target, { ...context, localAddress, onText: () => {}, onPong: () => {} }));
    context.count('sockets');
  }
  const tryLater = closeCodes.tryLater.code;
  const late = pause(timeoutMs, null, { ref: false });
  for (const { closed } of sockets.slice(maxPerAddress)) {
    const code = await Promise.race([closed, late]);
    if (code !== tryLater)
      throw new Violation(`a connection beyond the limit of an address was closed with ${code} instead of ${tryLater}`);
    context.count(`close ${code}`);
  }
  const rejected = sockets.slice(0, maxPerAddress).filter(({ raw }) => raw.isGone()).length;
  if (rejected > 0)
    throw new Violation(`${rejected} of the ${maxPerAddress} connections that an address may have were closed`);
  for (const { raw } of sockets) raw.drop('reset');
  await Promise.all(sockets.map(({ raw }) => raw.gone));
}
