/**
 * A WebSocket and its ledger together: what an attack says is written down before it is sent, and the end
 * is judged. The server may close only with a code that the attack has asked for.
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
  /** Sends text, which need not be a request, as one frame. */
  send(text: string): void;
  /** Writes down text that the attack sends by itself. */
  expectAnswerTo(text: string): void;
  /** Pings that came back, by their payload. */
  readonly pongs: readonly string[];
  /** Waits until everything is answered, and then for nothing to come after it; says goodbye. */
  finish(): Promise<void>;
  /** What has no answer yet. */
  missing(): readonly string[];
  /** The server must close the socket, and with this code. */
  mustBeClosed(as: keyof typeof closeCodes): Promise<void>;
}

/** Longer than a full queue takes to be worked off on a busy machine. */
const timeoutMs = 30_000;
/** `max_bad_frames` of the configuration: beyond, the server may close with 1008. */
const maxBadFrames = 20;
const normal = 1000;

export async function openCheckedClient(context: AttackContext): Promise<CheckedClient> {
  const { credential } = context.target;
  const ledger: Ledger = createLedger({
    count: (answer) => context.count(`answer ${answer}`),
    onFrame(frame) {
      context.questions.heard(frame, credential);
      if (frame.status === 'result' && 'accepted' in frame.result) context.count('questions answered');
    },
    // Where the base is open to all, all are one subject, whatever they come in with.
    isForeign: (interruptId) => context.tokens !== null && context.questions.isForeign(interruptId, credential),
    secret: context.tokens ? honestMark : null,
  });
  const pongs: string[] = [];
  const socket = await openRawWebSocket(context.target, {
    ...context,
    onText: ledger.heard,
    onPong: (payload) => void pongs.push(payload.toString('latin1')),
  });
  context.count('sockets');

  const send = (text: string) => {
    ledger.asked(text);
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
  /** False when the socket closed before. */
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
    expectAnswerTo: ledger.asked,
    pongs,
    missing: ledger.missing,
    async finish() {
      let open = await answered();
      if (open) {
        // Whatever was one too many has come when this is answered.
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
