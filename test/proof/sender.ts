/**
 * A client that chats, as the proof remembers it: which messages it sent, what it was told of each, and the text
 * that it holds. Lives longer than its sockets, and comes back with its cursor.
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
  /** Seq of its message, once the server has promised it. */
  accepted: number | null;
  /** `complete` or `error` frame that ended it for good. */
  end: ReceivedFrame | null;
  /** Text by message, as far as it was shown and not taken back. */
  texts: Map<string, string>;
  position: Position;
}

export interface Sender {
  readonly turns: ReadonlyMap<string, SentTurn>;
  /** Everything it was ever sent. */
  readonly frames: readonly ReceivedFrame[];
  /** What the server must not do, e.g. leave a gap in a text. */
  readonly violations: readonly string[];
  open(url: string): Promise<void>;
  /** `rewindTo`: the seq of the message in whose place it is. One that was sent on an earlier socket is sent again from where it was. */
  chat(requestId: string, mode: SentTurn['mode'], rewindTo: number | null): void;
  /** The same chat again, from where it was. */
  chatAgain(turn: SentTurn): void;
  send(action: string, payload: object, requestId: string): void;
  /** Follows the conversation on the present socket, so that a drain keeps that socket while a turn runs. */
  follow(): void;
  /** Resolves when the server has handled all that was sent so far, or has closed the socket in a drain: only then it does. */
  sync(): Promise<void>;
  close(): void;
}

export function createSender(notifier: Notifier): Sender {
  const turns = new Map<string, SentTurn>();
  const frames: ReceivedFrame[] = [];
  const violations: string[] = [];
  let client: Client | null = null;
  /** The turns that were sent on this socket. */
  let sentHere = new Set<string>();
  /** Of the present socket, once it is closed. */
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
    // What comes of a turn that was not sent here comes because the sender follows the conversation.
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
      // Without a cursor it would hold nothing, and be told everything anew.
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

/** The model reads the turn from the text's first word. */
function payload({ requestId, rewindTo }: SentTurn): object {
  return {
    conversation_id: HELD_CONVERSATION,
    text: `${requestId} please`,
    ...(rewindTo === null ? {} : { rewind_to: rewindTo }),
  };
}
