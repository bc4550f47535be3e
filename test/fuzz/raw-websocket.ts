/**
 * A WebSocket client that can break every rule: it does the handshake, reads the server's frames strictly, and writes
 * anything that it is given. The ledger knows what the requests mean.
 */
import { setImmediate as nextTurn } from 'node:timers/promises';
import { Violation } from './violation.ts';
import { dial, type DialOptions, type RawSocket, type Target } from './raw-socket.ts';
import { closePayload, createFrameReader, encodeFrame, opcodes, type FrameForm } from './wire-frames.ts';

export interface RawWebSocket {
  readonly raw: RawSocket;
  /** Sends a frame of any form. */
  send(payload: Buffer, form?: Partial<FrameForm>): void;
  /**
   * Writes a few bytes at a time. Pongs wait until all are written, because they would come between the bytes of a
   * frame.
   */
  writeInSteps(bytes: Buffer, step: number): Promise<void>;
  /** Answers no pings from now on. */
  stopPongs(): void;
  close(code: number): void;
  /**
   * Resolves with the close code of the server when the connection is gone, 1006 if none. Rejects with a Violation as
   * soon as the server breaks a rule.
   */
  readonly closed: Promise<number>;
}

export interface RawWebSocketOptions extends DialOptions {
  onText(text: string): void;
  onPong(payload: Buffer): void;
}

const closedWithoutFrame = 1006;
const handshakeTimeoutMs = 15_000;

/** Returns the head of a correct upgrade. */
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

  /** Null once the head of the answer is complete. */
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
        `a correct upgrade was rejected, ${Math.round(performance.now() - connectedMs)} ms after it was sent: ${answer}`,
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
  // A caller that drops the connection does not wait for the code.
  closed.promise.catch(() => {});
  raw.write(upgradeRequest(target));
  const timer = setTimeout(
    () => accepted.reject(new Violation('a correct upgrade was not answered')),
    handshakeTimeoutMs,
  );
  await accepted.promise.finally(() => clearTimeout(timer));

  return {
    raw,
    send,
    async writeInSteps(bytes, step) {
      isWriting = true;
      trace.sent(bytes);
      for (let at = 0; at < bytes.length; at += step) {
        raw.write(bytes.subarray(at, at + step), { isTraced: false });
        // The kernel joins bytes that are written in one turn of the event loop.
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
