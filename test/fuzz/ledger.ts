/**
 * What one socket has asked and what it was answered. Reads each frame that is sent as the server will read
 * it, by rules of its own, and holds every answer against them: one to each request, none beside, and each of
 * the shape that the protocol promises.
 */
import { frame as anyFrame, type Frame } from '../../src/protocol/frames.ts';
import { Violation } from './violation.ts';

export interface Ledger {
  /** A text frame is about to be sent. */
  asked(text: string): void;
  /** A text frame has come. Throws a Violation for one that should not have. */
  heard(text: string): void;
  /** Resolves when everything has its answer. */
  settled(): Promise<void>;
  /** What has no answer yet, in words. */
  missing(): string[];
  /** Frames that were answered as unreadable. */
  badFrames(): number;
}

/** All that was asked under one id. */
interface Entry {
  /** The same chat sent again shares its answer with the first, or has one of its own. */
  chats: number;
  others: number;
  answers: number;
  /** Of its chats. */
  conversations: Set<string>;
  /** Answers to questions that were put to another subject. */
  foreign: number;
  /** One of these was deleted: that ends the chats in it, those that wait for the deletion are answered all the same. */
  isDeleted: boolean;
  /** What was asked last. */
  text: string;
}

/** Faults of serverFaults or of the model, which answers every request of a fuzz run; no client can bring them about. */
const serverFaults =
  /^(?:internal|storage_failed|recovery_failed|shutting_down|conversation_failed|conversation_unavailable|provider_.*)$/;
const unreadable = /^(?:invalid_json|invalid_request|unknown_action)$/;

/** Ids that begin so are used by many sockets: what one reads may be the answer to another. */
export const sharedPrefix = 'shared-';

/** Of a frame that a violation is about. */
const shownChars = 300;

export interface LedgerOptions {
  /** Told of every answer by its status or code. */
  count(answer: string): void;
  /** Told of every frame that is as it should be. */
  onFrame(frame: Frame): void;
  /** Whether a question was put to another subject: nobody else can answer it, or hears that it was asked. */
  isForeign(interruptId: string): boolean;
  /** Words of another subject, in no frame of this socket's; null where there is only one subject. */
  secret: string | null;
}

/** The ledger of one socket. */
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
    asked(text) {
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
    heard(text) {
      const frame = readFrame(text);
      if (secret !== null && text.includes(secret))
        throw new Violation(`the server told what another subject said: ${text.slice(0, shownChars)}`);
      onFrame(frame);
      count(frame.status === 'error' ? frame.error.code : frame.status);
      if (frame.status === 'deleted') return markDeleted(frame.conversation_id);
      if (frame.status === 'error' && serverFaults.test(frame.error.code))
        throw new Violation(`the server has a fault: ${text.slice(0, shownChars)}`);
      if (frame.status === 'error' && unreadable.test(frame.error.code)) badFrames += 1;
      // Rows and states are for subscribers, whoever asked.
      if (frame.status === 'event' || frame.status === 'state') return undefined;
      // Of a message that no turn is known to write.
      if (frame.status === 'chunk' && frame.request_id === null) return undefined;
      const entry = entries.get(frame.request_id);
      // Subscribers read of turns that they did not ask for.
      if (!entry) return undefined;
      if (entry.answers >= maxAnswers(frame.request_id, entry))
        throw new Violation(`a frame came after the last answer to its request: ${text.slice(0, shownChars)}`);
      if (frame.status === 'processing' || frame.status === 'chunk') return undefined;
      if (entry.foreign > 0 && entry.foreign === entry.others + entry.chats && frame.status === 'result')
        throw new Violation(`a question was answered that another subject was asked: ${text.slice(0, shownChars)}`);
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
    `the server sent a frame that the protocol does not have (${issue?.path.join('.')}: ${issue?.message}): ${text.slice(0, shownChars)}`,
  );
}

/** 1 to 128 characters, none of them control characters, no half of a pair. */
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
