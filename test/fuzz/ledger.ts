/**
 * Keeps a *ledger* of one socket: its requests and their answers. Reads each frame that is sent as the server will read
 * it, by its own rules. Checks that each request has one answer, that no other frame comes, and that each frame is as
 * the protocol defines it.
 */
import { frame as anyFrame, type Frame } from '../../src/protocol/frames.ts';
import { Violation } from './violation.ts';

export interface Ledger {
  /** Called before a text frame is sent. */
  sent(text: string): void;
  /** Called with each text frame received. Throws a Violation for an unexpected one. */
  received(text: string): void;
  /** Resolves when every request has its answer. */
  settled(): Promise<void>;
  /** Requests without an answer, as sentences. */
  missing(): string[];
  /** Number of frames that were answered as unreadable. */
  badFrames(): number;
}

/** All requests with one id. */
interface Entry {
  /** A repeated chat shares the answer of the first, or has its own. */
  chats: number;
  others: number;
  answers: number;
  /** Conversations of its chats. */
  conversations: Set<string>;
  /** Number of answers to questions of another subject. */
  foreign: number;
  /** A conversation was deleted. That ends its chats; those that wait for the deletion are still answered. */
  isDeleted: boolean;
  /** The last request. */
  text: string;
}

/** Faults of the server, or of the model, which answers every request of a fuzz run. No client can cause them. */
const serverFaults =
  /^(?:internal|storage_failed|recovery_failed|shutting_down|conversation_failed|conversation_unavailable|provider_.*)$/;

/** Prefix of ids that many sockets use: a socket may receive the answer to another one. */
export const sharedPrefix = 'shared-';

/** Characters shown of a frame in a violation. */
const shownChars = 300;

export interface LedgerOptions {
  /** Called with the status or code of every answer. */
  count(answer: string): void;
  /** Called with every valid frame. */
  onFrame(frame: Frame): void;
  /** Whether a question belongs to another subject, which alone can answer it. */
  isForeign(interruptId: string): boolean;
  /** Text of another subject, which no frame of this socket may contain; null if there is only one subject. */
  secret: string | null;
}

/** Creates the ledger of one socket. */
export function createLedger({ count, onFrame, isForeign, secret }: LedgerOptions): Ledger {
  const entries = new Map<string | null, Entry>();
  let badFrames = 0;
  let wake = () => {};

  const unanswered = () =>
    [...entries].filter(([id, entry]) => entry.answers < minAnswers(id, entry)).map(([, entry]) => entry);
  const markDeleted = (conversationId: string) => {
    for (const entry of entries.values()) if (entry.conversations.has(conversationId)) entry.isDeleted = true;
    wake();
  };

  return {
    sent(text) {
      const { requestId, isChat, conversationId, interruptId } = readRequest(text);
      const entry = entries.get(requestId) ?? {
        chats: 0,
        others: 0,
        answers: 0,
        conversations: new Set(),
        foreign: 0,
        isDeleted: false,
        text,
      };
      entries.set(requestId, entry);
      entry.text = text;
      if (isChat) entry.chats += 1;
      else entry.others += 1;
      if (interruptId !== null && isForeign(interruptId)) entry.foreign += 1;
      if (isChat && conversationId !== null) entry.conversations.add(conversationId);
    },
    received(text) {
      const frame = readFrame(text);
      if (secret !== null && text.includes(secret))
        throw new Violation(`the server sent text of another subject: ${text.slice(0, shownChars)}`);
      onFrame(frame);
      count(frame.status === 'error' ? frame.error.code : frame.status);
      if (frame.status === 'deleted') return markDeleted(frame.conversation_id);
      if (frame.status === 'error' && serverFaults.test(frame.error.code))
        throw new Violation(`the server has a fault: ${text.slice(0, shownChars)}`);
      if (frame.status === 'error' && isUnreadable(frame.error)) badFrames += 1;
      // Rows and states go to subscribers, no matter who started the turn.
      if (frame.status === 'event' || frame.status === 'state') return undefined;
      // A chunk of a message that belongs to no known turn.
      if (frame.status === 'chunk' && frame.request_id === null) return undefined;
      const entry = entries.get(frame.request_id);
      // Subscribers also receive frames of other turns.
      if (!entry) return undefined;
      if (entry.answers >= maxAnswers(frame.request_id, entry))
        throw new Violation(`a frame came after the last answer to its request: ${text.slice(0, shownChars)}`);
      if (frame.status === 'processing' || frame.status === 'chunk') return undefined;
      if (entry.foreign > 0 && entry.foreign === entry.others + entry.chats && frame.status === 'result')
        throw new Violation(`a question of another subject was answered: ${text.slice(0, shownChars)}`);
      entry.answers += 1;
      wake();
      return undefined;
    },
    async settled() {
      while (unanswered().length > 0) await new Promise<void>((resolve) => (wake = resolve));
    },
    missing: () =>
      unanswered().map(
        ({ chats, others, answers, text }) =>
          `${text.slice(0, shownChars)} (asked ${chats + others} times, answered ${answers})`,
      ),
    badFrames: () => badFrames,
  };
}

/** Whether the request was no JSON object, or had no action. */
function isUnreadable({ code, data }: Extract<Frame, { status: 'error' }>['error']): boolean {
  return code === 'invalid_json' || (code === 'invalid_request' && /^(?:frame|action)$/.test(String(data['path'])));
}

function minAnswers(id: string | null, { chats, others, isDeleted }: Entry): number {
  if (isShared(id)) return isDeleted ? 0 : 1;
  return others + (isDeleted ? 0 : Math.min(1, chats));
}

function maxAnswers(id: string | null, { chats, others }: Entry): number {
  return isShared(id) ? Infinity : chats + others;
}

function isShared(id: string | null): boolean {
  return id?.startsWith(sharedPrefix) === true;
}

function readFrame(text: string): Frame {
  const frame = anyFrame.safeParse(parseJson(text));
  if (frame.success) return frame.data;
  const [issue] = frame.error.issues;
  throw new Violation(
    `the server sent a frame that the protocol does not define (${issue?.path.join('.')}: ${issue?.message}): ${text.slice(0, shownChars)}`,
  );
}

/** 1 to 128 characters, without control characters and lone surrogates. */
// oxlint-disable-next-line no-control-regex
const legible = /^[^\u0000-\u001f\u007f-\u009f]{1,128}$/;

function readRequest(text: string): {
  requestId: string | null;
  isChat: boolean;
  conversationId: string | null;
  interruptId: string | null;
} {
  const request = parseJson(text);
  const id = member(request, 'request_id');
  const payload = member(request, 'payload');
  const conversationId = member(payload, 'conversation_id');
  const interruptId = member(payload, 'interrupt_id');
  return {
    requestId: typeof id === 'string' && legible.test(id) && id.isWellFormed() ? id : null,
    isChat: member(request, 'action') === 'chat',
    conversationId: typeof conversationId === 'string' ? conversationId : null,
    interruptId: member(request, 'action') === 'respond' && typeof interruptId === 'string' ? interruptId : null,
  };
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined;
  return new Map<string, unknown>(Object.entries(value)).get(name);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
