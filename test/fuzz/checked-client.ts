/**
 * Joins a WebSocket and its ledger: records each request before it is sent, and checks the end. The server may close
 * only with the code that the attack expects.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { closeCodes } from '../../src/protocol/close-codes.ts';
import { Violation } from './violation.ts';
import { createLedger, type Ledger } from './ledger.ts';
import { openRawWebSocket, type RawWebSocket } from './raw-websocket.ts';
import type { AttackContext } from './attack-context.ts';
import { honestMark } from './script.ts';

export interface CheckedClient {
  readonly socket: RawWebSocket;
  /** Sends text, which may be no request, as one frame. */
  send(text: string): void;
  /** Records text that the attack sends by itself. */
  expectAnswerTo(text: string): void;
  /** Payloads of the pongs. */
  readonly pongs: readonly string[];
  /** Waits until every request is answered and no further frame comes; then closes. */
  finish(): Promise<void>;
  /** Requests without an answer. */
  missing(): readonly string[];
  /** Waits until the server closes the socket with this code. */
  mustBeClosed(as: keyof typeof closeCodes): Promise<void>;
}

/** Longer than a busy machine needs for a full queue. */
const timeoutMs = 30_000;
/** `max_bad_frames` of the configuration: with more unreadable frames, the server may close with 1008. */
const maxBadFrames = 20;
const normal = 1000;

export async function openCheckedClient(context: AttackContext): Promise<CheckedClient> {
  const { credential } = context.target;
  const ledger: Ledger = createLedger({
    count: (answer) => context.count(`answer ${answer}`),
    onFrame(frame) {
      context.questions.record(frame, credential);
      if (frame.status === 'result' && 'accepted' in frame.result) context.count('questions answered');
    },
    // Without tokens all clients are one subject.
    isForeign: (interruptId) => context.tokens !== null && context.questions.isForeign(interruptId, credential),
    secret: context.tokens ? honestMark : null,
  });
  const pongs: string[] = [];
  const socket = await openRawWebSocket(context.target, {
    ...context,
    onText: ledger.received,
    onPong: (payload) => void pongs.push(payload.toString('latin1')),
  });
  context.count('sockets');

  const send = (text: string) => {
    ledger.sent(text);
    context.count('requests');
    socket.send(Buffer.from(text));
  };
  const closedWithin = async (what: () => string) => {
    const late = pause(timeoutMs, null, { ref: false });
    const code = await Promise.race([socket.closed, late]);
    if (code === null) throw new Violation(`after ${timeoutMs} ms ${what()}`);
    context.count(`close ${code}`);
    return code;
  };
  /** Resolves with false if the socket closes first. */
  const answered = async () => {
    const settled = ledger.settled().then(() => true);
    const late = pause(timeoutMs, null, { ref: false });
    const outcome = await Promise.race([settled, socket.closed.then(() => false), late]);
    if (outcome === null) throw new Violation(`after ${timeoutMs} ms no answer to ${ledger.missing().join('; ')}`);
    return outcome;
  };

  return {
    socket,
    send,
    expectAnswerTo: ledger.sent,
    pongs,
    missing: ledger.missing,
    async finish() {
      let open = await answered();
      if (open) {
        // Any surplus answer has come when this ping is answered.
        send(JSON.stringify({ action: 'ping', request_id: `last-${context.names.requestId()}` }));
        open = await answered();
      }
      if (open) socket.close(normal);
      const code = await closedWithin(() => 'the server has not answered the closing handshake');
      const wanted = !open && ledger.badFrames() > maxBadFrames ? closeCodes.abuse.code : normal;
      if (code !== wanted)
        throw new Violation(`the server closed with ${code}, and ${ledger.missing().length} requests had no answer`);
    },
    async mustBeClosed(as) {
      const wanted = closeCodes[as].code;
      const code = await closedWithin(() => `the socket is still open, and should be closed with ${wanted}`);
      if (code !== wanted) throw new Violation(`the server closed with ${code} instead of ${wanted}`);
    },
  };
}
