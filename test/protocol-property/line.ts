/**
 * One socket of a client: what was asked on it, what was answered, and whatever else came, handed to the follower of
 * its conversation. Complains of what nobody asked for, and of a server that hangs up on a client that reads.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { parseFrame } from '../../src/client/frames.ts';
import type { Frame } from '../../src/protocol/frames.ts';
import { tell, type Complain } from './complaint.ts';
import { createFollower, type Follower } from './follower.ts';
import type { Holding } from './holding.ts';

/** A request that has an answer of its own; chats share theirs, and are their follower's. */
export interface Question {
  readonly action: string;
  readonly conversation: string | null;
  answers: Frame[];
  /** Called with each answer. */
  take(answer: Frame): void;
}

export interface Line {
  readonly questions: ReadonlyMap<string, Question>;
  readonly followers: ReadonlyMap<string, Follower>;
  readonly isOpen: boolean;
  /** True once it has ever stopped reading: then it may be hung up on. */
  readonly wasSlow: boolean;
  readonly isReading: boolean;
  follower(conversation: string): Follower;
  ask(requestId: string, action: string, payload: object, take?: (answer: Frame) => void): void;
  chat(requestId: string, payload: object): void;
  /** Resolves with true as soon as this is so; with false when the socket has closed or patience is out. */
  until(isSo: () => boolean): Promise<boolean>;
  stopReading(): void;
  readOn(): void;
  /** `cut`: as when a cable is pulled. Resolves when it is closed. */
  hangUp(how: 'cut' | 'close'): Promise<void>;
}

export interface LineDeps {
  holding(conversation: string): Holding;
  complain: Complain;
  /** True while the server restarts. */
  mayBeHungUpOn(): boolean;
  /** Every frame, after it has been taken in. */
  heard(frame: Frame): void;
}

/** What takes longer does not come. */
export const PATIENCE_MS = 30_000;

export async function openLine(url: string, { holding, complain, mayBeHungUpOn, heard }: LineDeps): Promise<Line> {
  const socket = new WebSocket(url);
  const questions = new Map<string, Question>();
  const followers = new Map<string, Follower>();
  const waiting = new Set<() => void>();
  let isReading = true;
  let wasSlow = false;
  let hangsUp = false;

  const follower = (conversation: string): Follower => {
    const known = followers.get(conversation) ?? createFollower(holding(conversation), complain);
    followers.set(conversation, known);
    return known;
  };
  const take = (frame: Frame) => {
    const question =
      'request_id' in frame && frame.request_id !== null && (frame.status === 'result' || frame.status === 'error')
        ? questions.get(frame.request_id)
        : undefined;
    if (question) {
      question.answers.push(frame);
      if (question.answers.length > 1) complain('answer', `${question.action} was answered again with ${tell(frame)}`);
      question.take(frame);
    } else if (frame.conversation_id !== undefined && followers.has(frame.conversation_id)) {
      follower(frame.conversation_id).hear(frame);
    } else {
      complain('stray', `nobody asked for ${tell(frame)}`);
    }
    heard(frame);
  };
  socket.on('message', (data) => {
    // What comes after the client has left is nothing to it.
    if (hangsUp) return;
    const frame = parseFrame(data.toString());
    if (frame) take(frame);
    else complain('stray', `no frame: ${tell(data.toString())}`);
    for (const look of waiting) look();
  });
  socket.on('error', () => undefined);
  socket.on('close', (code) => {
    if (!hangsUp && !wasSlow && !mayBeHungUpOn())
      complain('stray', `the server hung up on a client that reads, with ${code}`);
    for (const look of waiting) look();
  });
  await once(socket, 'open');

  const send = (requestId: string, action: string, payload: object) =>
    socket.send(JSON.stringify({ action, request_id: requestId, payload }));
  return {
    questions,
    followers,
    get isOpen() {
      return !hangsUp && socket.readyState === socket.OPEN;
    },
    get wasSlow() {
      return wasSlow;
    },
    get isReading() {
      return isReading;
    },
    follower,
    ask(requestId, action, payload, take = () => undefined) {
      const conversation = 'conversation_id' in payload ? String(payload.conversation_id) : null;
      questions.set(requestId, { action, conversation, answers: [], take });
      send(requestId, action, payload);
    },
    chat: (requestId, payload) => send(requestId, 'chat', payload),
    until: (isSo) =>
      new Promise((resolve) => {
        const done = (found: boolean) => {
          clearTimeout(timer);
          waiting.delete(look);
          resolve(found);
        };
        const look = () => {
          if (isSo()) done(true);
          else if (socket.readyState >= socket.CLOSING) done(false);
        };
        const timer = setTimeout(done, PATIENCE_MS, false);
        waiting.add(look);
        look();
      }),
    stopReading() {
      wasSlow = true;
      isReading = false;
      socket.pause();
    },
    readOn() {
      isReading = true;
      socket.resume();
    },
    async hangUp(how) {
      hangsUp = true;
      if (socket.readyState === socket.CLOSED) return;
      const closed = once(socket, 'close');
      // Who does not read does not hear the answer to a goodbye.
      if (how === 'cut' || !isReading) socket.terminate();
      else socket.close();
      await closed;
    },
  };
}
