/**
 * Handles one socket of a client: its requests, their answers, and all other frames, which go to the follower of their
 * conversation. Reports unexpected frames, and a server that closes the socket of a client that reads.
 */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { parseFrame, type Incoming } from '../../src/client/frames.ts';
import { excerpt, type ReportViolation } from './violation.ts';
import { createFollower, type Follower } from './follower.ts';
import type { ExpectedState } from './expected-state.ts';

/** A request with its own answer. Chats may share answers, so their follower counts those. */
export interface Question {
  readonly action: string;
  readonly conversation: string | null;
  answers: Incoming[];
  /** Called with each answer. */
  take(answer: Incoming): void;
}

export interface Connection {
  readonly questions: ReadonlyMap<string, Question>;
  readonly followers: ReadonlyMap<string, Follower>;
  readonly isOpen: boolean;
  /** True once the client has ever stopped reading. The server may close such a socket. */
  readonly wasSlow: boolean;
  readonly isReading: boolean;
  follower(conversation: string): Follower;
  ask(requestId: string, action: string, payload: object, take?: (answer: Incoming) => void): void;
  chat(requestId: string, payload: object): void;
  /**
   * Resolves with true as soon as `isSo` returns true, and with false when the socket has closed or the timeout has
   * passed.
   */
  until(isSo: () => boolean): Promise<boolean>;
  stopReading(): void;
  resumeReading(): void;
  /** `cut` drops the connection without a close frame. Resolves when the socket is closed. */
  close(how: 'cut' | 'close'): Promise<void>;
}

export interface ConnectionDeps {
  expected(conversation: string): ExpectedState;
  report: ReportViolation;
  /** True while the server restarts. */
  mayBeClosed(): boolean;
  /** Called with every frame after it was processed. */
  onFrame(frame: Incoming): void;
}

/** An answer that takes longer counts as missing. */
export const TIMEOUT_MS = 30_000;

export async function openConnection(
  url: string,
  { expected, report, mayBeClosed, onFrame }: ConnectionDeps,
): Promise<Connection> {
  const socket = new WebSocket(url);
  const questions = new Map<string, Question>();
  const followers = new Map<string, Follower>();
  const waiting = new Set<() => void>();
  let isReading = true;
  let wasSlow = false;
  let isClosing = false;

  const follower = (conversation: string): Follower => {
    const known = followers.get(conversation) ?? createFollower(expected(conversation), report);
    followers.set(conversation, known);
    return known;
  };
  const take = (frame: Incoming) => {
    const question =
      'request_id' in frame && frame.request_id !== null && (frame.status === 'result' || frame.status === 'error')
        ? questions.get(frame.request_id)
        : undefined;
    if (question) {
      question.answers.push(frame);
      if (question.answers.length > 1) report('answer', `${question.action} was answered again with ${excerpt(frame)}`);
      question.take(frame);
    } else if (frame.conversation_id !== undefined && followers.has(frame.conversation_id)) {
      follower(frame.conversation_id).receive(frame);
    } else {
      report('stray', `unexpected frame ${excerpt(frame)}`);
    }
    onFrame(frame);
  };
  socket.on('message', (data) => {
    // The client has left, so later frames do not matter.
    if (isClosing) return;
    const frame = parseFrame(data.toString());
    if (frame) take(frame);
    else report('stray', `no frame: ${excerpt(data.toString())}`);
    for (const look of waiting) look();
  });
  socket.on('error', () => undefined);
  socket.on('close', (code) => {
    if (!isClosing && !wasSlow && !mayBeClosed())
      report('stray', `the server closed the socket of a client that reads, with ${code}`);
    for (const look of waiting) look();
  });
  await once(socket, 'open');

  const send = (requestId: string, action: string, payload: object) =>
    socket.send(JSON.stringify({ action, request_id: requestId, payload }));
  return {
    questions,
    followers,
    get isOpen() {
      return !isClosing && socket.readyState === socket.OPEN;
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
        const timer = setTimeout(done, TIMEOUT_MS, false);
        waiting.add(look);
        look();
      }),
    stopReading() {
      wasSlow = true;
      isReading = false;
      socket.pause();
    },
    resumeReading() {
      isReading = true;
      socket.resume();
    },
    async close(how) {
      isClosing = true;
      if (socket.readyState === socket.CLOSED) return;
      const closed = once(socket, 'close');
      // A client that does not read would not receive the answer to a close frame.
      if (how === 'cut' || !isReading) socket.terminate();
      else socket.close();
      await closed;
    },
  };
}
