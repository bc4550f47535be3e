/**
 * A client that chats. It remembers the messages that it sent, the frames that it received, and the texts. It outlives
 * its sockets and reconnects with its cursor.
 */
import { createPosition, type Position } from '../../src/client/position.ts';
import type { Chunk } from '../../src/protocol/chunks.ts';
import { connect, type Client, type Received } from '../support/client.ts';
import type { Notifier } from './notifier.ts';
import { HELD_CONVERSATION } from './held-store-messages.ts';

/** Close code of a server that drains. */
const SERVICE_RESTART = 1012;

type ReceivedFrame = Omit<Received, 'chunk'> & { chunk?: Chunk };

export interface SentTurn {
  readonly requestId: string;
  readonly mode: 'queue' | 'reject' | 'interrupt';
  readonly rewindTo: number | null;
  /** Seq of its message, once the server has acknowledged it. */
  accepted: number | null;
  /** The `complete` or `error` frame that ended it. */
  end: ReceivedFrame | null;
  /** Text by message, without messages that were reset. */
  texts: Map<string, string>;
  position: Position;
}

export interface Sender {
  readonly turns: ReadonlyMap<string, SentTurn>;
  /** All frames that it received. */
  readonly frames: readonly ReceivedFrame[];
  /** Violations of the protocol, e.g. a gap in a text. */
  readonly violations: readonly string[];
  open(url: string): Promise<void>;
  /**
   * `rewindTo`: seq of the message that this one replaces. A chat that was sent on an earlier socket continues at its
   * cursor.
   */
  chat(requestId: string, mode: SentTurn['mode'], rewindTo: number | null): void;
  /** Sends the same chat again, with its cursor. */
  chatAgain(turn: SentTurn): void;
  send(action: string, payload: object, requestId: string): void;
  /** Follows the conversation on the present socket. A drain then keeps that socket while a turn runs. */
  follow(): void;
  /** Resolves when the server has handled everything that was sent so far, or has closed the socket in a drain. */
  sync(): Promise<void>;
  close(): void;
}

export function createSender(notifier: Notifier): Sender {
  const turns = new Map<string, SentTurn>();
  const frames: ReceivedFrame[] = [];
  const violations: string[] = [];
  let client: Client | null = null;
  /** Turns that were sent on this socket. */
  let sentHere = new Set<string>();
  /** Of the present socket; null while it is open. */
  let closeCode: number | null = null;
  const connected = () => {
    if (!client) throw new Error('the sender is not connected');
    return client;
  };

  const receive = (frame: ReceivedFrame) => {
    frames.push(frame);
    notifier.notify();
    const turn = turns.get(frame.request_id ?? '');
    if (!turn || frame.conversation_id !== HELD_CONVERSATION) return;
    // Chunks of turns that were sent on other sockets come from the subscription.
    if (!sentHere.has(turn.requestId)) return;
    if (frame.status === 'processing' && frame.seq !== undefined) {
      turn.accepted ??= frame.seq;
      turn.position.passed(frame.seq);
    } else if (frame.status === 'chunk' && frame.chunk) {
      take(turn, frame.chunk);
    } else if (
      frame.status === 'complete' ||
      (frame.status === 'error' && (frame.seq !== undefined || frame.metadata?.['replayed'] === true))
    ) {
      turn.end ??= frame;
    }
  };
  const take = (turn: SentTurn, chunk: Chunk) => {
    const taken = turn.position.take(chunk);
    if (taken === 'repeat') return;
    if (taken === 'gap') violations.push(`the text of ${turn.requestId} has a gap before ${JSON.stringify(chunk)}`);
    else if (taken.type === 'text')
      turn.texts.set(taken.message_id, (turn.texts.get(taken.message_id) ?? '') + taken.data);
    else if (taken.type === 'reset') turn.texts.delete(taken.message_id);
  };

  return {
    turns,
    frames,
    violations,
    async open(url) {
      const opened = await connect(url);
      client = opened;
      closeCode = null;
      opened.socket.on('close', (code) => {
        if (client === opened) closeCode = code;
      });
      sentHere = new Set();
      client.socket.on('message', (data) => receive(JSON.parse(data.toString())));
    },
    chat(requestId, mode, rewindTo) {
      const turn = turns.get(requestId) ?? {
        requestId,
        mode,
        rewindTo,
        accepted: null,
        end: null,
        texts: new Map(),
        position: createPosition(),
      };
      // Without a cursor the server would send everything again.
      const cursor = turns.has(requestId) && !sentHere.has(requestId) ? { cursor: turn.position.cursor() } : {};
      turns.set(requestId, turn);
      sentHere.add(requestId);
      connected().send('chat', { ...payload(turn), mode, ...cursor }, requestId);
    },
    chatAgain(turn) {
      sentHere.add(turn.requestId);
      connected().send(
        'chat',
        { ...payload(turn), ...(turn.accepted === null ? { mode: turn.mode } : {}), cursor: turn.position.cursor() },
        turn.requestId,
      );
    },
    send: (action, payload, requestId) =>
      void connected().send(action, { conversation_id: HELD_CONVERSATION, ...payload }, requestId),
    follow: () => void connected().send('subscribe', { conversation_id: HELD_CONVERSATION }),
    async sync() {
      const { ask } = connected();
      if (closeCode !== null) return;
      await ask('ping').catch((error: unknown) => {
        if (closeCode !== SERVICE_RESTART) throw error;
      });
    },
    close: () => client?.socket.terminate(),
  };
}

/** The model reads the turn from the first word of the text. */
function payload({ requestId, rewindTo }: SentTurn): object {
  return {
    conversation_id: HELD_CONVERSATION,
    text: `${requestId} please`,
    ...(rewindTo === null ? {} : { rewind_to: rewindTo }),
  };
}
