/**
 * A WebSocket client that can break every rule: it shakes hands, reads the server's frames strictly, and
 * writes whatever it is given. What the requests in the frames mean is for the ledger to know.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Violation } from './violation.ts';
import { dial, type DialOptions, type RawSocket, type Target } from './raw-socket.ts';
import { closePayload, createFrameReader, encodeFrame, opcodes, type FrameForm } from './wire-frames.ts';

export interface RawWebSocket {
  readonly raw: RawSocket;
  /** A frame of any form. */
  send(payload: Buffer, form?: Partial<FrameForm>): void;
  /** Writes bytes a few at a time. Pongs wait until they are through: they would come between the bytes of a frame. */
  writeInSteps(bytes: Buffer, step: number): Promise<void>;
  /** From now on pings are not answered. */
  stopPongs(): void;
  close(code: number): void;
  /** Once the connection is gone, the close code that the server told, 1006 if none. Rejects with a Violation as soon as the server breaks a rule. */
  readonly closed: Promise<number>;
}

export interface RawWebSocketOptions extends DialOptions {
  onText(text: string): void;
  onPong(payload: Buffer): void;
}

const closedWithoutFrame = 1006;
const handshakeTimeoutMs = 15_000;

/** The head of a correct upgrade. */
export function upgradeRequest({ host, port, path, credential }: Target, version = 13): string {
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${host}:${port}`,
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Key: ${'A'.repeat(22)}==`,
    `Sec-WebSocket-Version: ${version}`,
    ...(credential === null ? [] : [credential]),
    '\r\n',
  ].join('\r\n');
}

/** Resolves when the server has accepted; rejects with a Violation when it does not. */
export async function openRawWebSocket(
  target: Target,
  { onText, onPong, ...options }: RawWebSocketOptions,
): Promise<RawWebSocket> {
  const raw = await dial(target, options);
  const connectedMs = performance.now();
  const { trace } = options;
  const accepted = Promise.withResolvers<void>();
  const closed = Promise.withResolvers<number>();
  let closeCode = closedWithoutFrame;
  let pongsStopped = false;
  let isWriting = false;
  let pongs: Buffer[] = [];

  const send = (payload: Buffer, form: Partial<FrameForm> = {}) => {
    trace.sent(form.opcode === undefined ? payload.toString() : encodeFrame(payload, form));
    raw.write(encodeFrame(payload, form), { isTraced: false });
  };
  const answerPings = () => {
    if (pongsStopped || isWriting) return;
    for (const pong of pongs) raw.write(pong, { isTraced: false });
    pongs = [];
  };
  const read = createFrameReader((opcode, payload) => {
    switch (opcode) {
      case opcodes.text:
        trace.got(payload.toString());
        onText(utf8(payload));
        return;
      case opcodes.ping:
        pongs.push(encodeFrame(payload, { opcode: opcodes.pong }));
        answerPings();
        return;
      case opcodes.pong:
        onPong(payload);
        return;
      case opcodes.close:
        closeCode = payload.length < 2 ? closedWithoutFrame : payload.readUInt16BE(0);
        trace.got(`close ${closeCode} ${payload.subarray(2).toString()}`);
        send(payload.subarray(0, 2), { opcode: opcodes.close });
        return;
    }
  });

  /** Null until the head of the answer is whole. */
  let head: Buffer | null = Buffer.alloc(0);
  const listen = (bytes: Buffer) => {
    if (head === null) return read(bytes);
    head = Buffer.concat([head, bytes]);
    const end = head.indexOf('\r\n\r\n');
    if (end < 0) return undefined;
    const answer = head.toString('latin1', 0, end);
    const rest = head.subarray(end + 4);
    head = null;
    if (!answer.startsWith('HTTP/1.1 101 '))
      throw new Violation(
        `a correct upgrade was refused, ${Math.round(performance.now() - connectedMs)} ms after it was sent: ${answer}`,
      );
    accepted.resolve();
    return read(rest);
  };
  raw.forwardTo((bytes) => {
    try {
      listen(bytes);
    } catch (error) {
      accepted.reject(error);
      closed.reject(error);
      raw.drop('closed');
    }
  });
  void raw.gone.then(() => {
    accepted.reject(new Violation('the connection ended during the handshake'));
    closed.resolve(closeCode);
  });
  // Whoever closes rudely does not look back.
  closed.promise.catch(() => {});
  raw.write(upgradeRequest(target));
  const patience = setTimeout(
    () => accepted.reject(new Violation('a correct upgrade was not answered')),
    handshakeTimeoutMs,
  );
  await accepted.promise.finally(() => clearTimeout(patience));

  return {
    raw,
    send,
    async writeInSteps(bytes, step) {
      isWriting = true;
      trace.sent(bytes);
      for (let at = 0; at < bytes.length; at += step) {
        raw.write(bytes.subarray(at, at + step), { isTraced: false });
        // The kernel joins what is written in one turn of the event loop.
        await nextTurn();
      }
      isWriting = false;
      answerPings();
    },
    stopPongs() {
      pongsStopped = true;
    },
    close: (code) => send(closePayload(code), { opcode: opcodes.close }),
    closed: closed.promise,
  };
}

const strictly = new TextDecoder('utf-8', { fatal: true });

function utf8(payload: Buffer): string {
  try {
    return strictly.decode(payload);
  } catch {
    throw new Violation('the server sent text that is not UTF-8');
  }
}
