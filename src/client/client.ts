/**
 * The client: one lasting connection, and on it chats, requests and followed conversations. For
 * browsers and Node alike; imports nothing of the server but types.
 *
 *   const client = connect('ws://localhost:8080/ws/chat');
 *   const turn = client.chat('What is 2 + 3?');
 *   for await (const chunk of turn) if (chunk.type === 'text') show(chunk.data);
 *   const { metadata } = await turn.end;
 */
import { createBackoff, type BackoffOptions } from './backoff.ts';
import { openConnection, type ConnectionStatus, type SocketConstructor } from './connection.ts';
import { clientError, ParleyError } from './errors.ts';
import { createExchanges, type Exchange } from './exchanges.ts';
import { startFollow, type Follow, type Follower } from './follow.ts';
import { parseFrame, type Incoming } from './frames.ts';
import { newId } from './ids.ts';
import type { Cursor } from './position.ts';
import { isCancelResult, isHistoryPage, isToolList, readResult, type CancelResult, type HistoryPage, type Result, type ToolList } from './results.ts';
import { startTurn, type Turn } from './turn.ts';

export interface ClientOptions {
  /** Instead of the global one. */
  WebSocket?: SocketConstructor;
  /** Delays between connections: from 200 ms doubling to 10 s, half of each by chance. */
  reconnect?: Partial<BackoffOptions>;
  /** Longest wait for a handshake, and from a request to its result, reconnects included; 30 s. Turns take as long as they take. */
  requestTimeoutMs?: number;
  /** After this much silence the server is asked whether it is there; 15 s. */
  heartbeatMs?: number;
  /** Told of every change of the connection. */
  onStatus?(status: ConnectionStatus): void;
}

export interface ChatOptions {
  /** Default: the client's own conversation. */
  conversationId?: string;
  /** False: each message whole, once it is stored. */
  streaming?: boolean;
  /** What to do while another turn runs: wait behind it (default), be refused, or end it. */
  mode?: 'queue' | 'reject' | 'interrupt';
  /** The turn's identity: the same chat under the same id never runs twice. */
  requestId?: string;
  metadata?: Record<string, unknown>;
  /** Stops the turn when it aborts. */
  signal?: AbortSignal;
}

export interface RequestOptions {
  /** True if a second run changes nothing: then it is sent again when the socket falls before its answer. */
  repeatable?: boolean;
}

/** All promises reject with a ParleyError. */
export interface Client {
  /** The conversation of chats that name none. */
  readonly conversationId: string;
  /** Never throws: what is wrong, the turn's promises tell. */
  chat(text: string, options?: ChatOptions): Turn;
  /** Stops a turn, by default the running one of the client's own conversation. */
  cancel(conversationId?: string, target?: string): Promise<CancelResult>;
  history(conversationId: string, range?: { beforeSeq?: number; limit?: number }): Promise<HistoryPage>;
  tools(): Promise<ToolList>;
  ping(): Promise<void>;
  /** Any action that answers with one `result`. */
  request(action: string, payload?: object, options?: RequestOptions): Promise<Result>;
  /** One `follow` a conversation and client. `state`: also how the conversation stands. */
  follow(conversationId: string, options?: { cursor?: Cursor; state?: boolean }): Follow;
  /** Closes the connection; it cancels no turn. What is open rejects with `connection_closed`. */
  close(): void;
}

/** Connects, and keeps connecting until it is closed or refused for good. Throws only for an invalid URL. */
export function connect(url: string, options: ClientOptions = {}): Client {
  const requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
  const backoff = createBackoff({ minMs: 200, maxMs: 10_000, jitter: 0.5, random: Math.random, ...options.reconnect });
  const conversationId = newId();
  const followers = new Map<string, Follower>();

  const connection = openConnection({
    url,
    WebSocket: options.WebSocket ?? WebSocket,
    backoff,
    handshakeMs: requestTimeoutMs,
    heartbeatMs: options.heartbeatMs ?? 15_000,
    probe: JSON.stringify({ action: 'ping', request_id: 'heartbeat', payload: {} }),
    onText(text) {
      const frame = parseFrame(text);
      if (frame) route(frame);
    },
    onStatus(status) {
      if (status.status === 'open') exchanges.connected();
      if (status.status === 'waiting') exchanges.disconnected();
      if (status.status === 'closed') exchanges.end(closedFor(status));
      options.onStatus?.(status);
    },
  });
  const exchanges = createExchanges(connection);

  function route(frame: Incoming): void {
    exchanges.receive(frame);
    if (frame.conversation_id !== undefined) followers.get(frame.conversation_id)?.hear(frame);
  }

  function request(action: string, payload: object = {}, { repeatable = false }: RequestOptions = {}): Promise<Result> {
    return new Promise((resolve, reject) => {
      const done = (settle: () => void) => {
        clearTimeout(timer);
        exchanges.close(exchange);
        settle();
      };
      const exchange: Exchange = {
        requestId: newId(),
        repeatable,
        question: () => ({ action, payload }),
        receive(frame) {
          if (frame.status === 'result') done(() => resolve(frame.result));
          else if (frame.status === 'error') done(() => reject(new ParleyError(frame.error)));
        },
        fail: (error) => done(() => reject(error)),
      };
      const timer = setTimeout(() => exchange.fail(clientError('timed_out', `No answer to "${action}" within ${requestTimeoutMs} ms.`)), requestTimeoutMs);
      exchanges.open(exchange);
    });
  }

  async function ask<Known extends object>(action: string, payload: object, isKnown: (result: object) => result is Known, repeatable = true): Promise<Known> {
    const result = readResult(action, await request(action, payload, { repeatable }), isKnown);
    if (result instanceof ParleyError) throw result;
    return result;
  }

  /** Without a target a repeat might stop the next turn. */
  function cancel(conversation: string = conversationId, target?: string): Promise<CancelResult> {
    return ask('cancel', { conversation_id: conversation, target }, isCancelResult, target !== undefined);
  }

  return {
    conversationId,
    chat(text, { conversationId: conversation = conversationId, requestId = newId(), signal, ...rest } = {}) {
      const payload = { text, conversation_id: conversation, ...rest };
      return startTurn({ requestId, conversationId: conversation, payload, signal: signal ?? null }, { exchanges, cancel, backoff });
    },
    cancel,
    history: (conversation, { beforeSeq, limit } = {}) => ask('history', { conversation_id: conversation, before_seq: beforeSeq, limit }, isHistoryPage),
    tools: () => ask('tools', {}, isToolList),
    async ping() {
      await request('ping', {}, { repeatable: true });
    },
    request,
    follow(conversation, { cursor = { after_seq: 0 }, state = false } = {}) {
      if (followers.has(conversation)) throw clientError('already_open', `The conversation "${conversation}" is followed already.`);
      const onEnd = () => {
        followers.delete(conversation);
        // Without a connection the subscription went with its socket.
        if (connection.isOpen()) request('unsubscribe', { conversation_id: conversation }).catch(() => {});
      };
      const follower = startFollow({ requestId: newId(), conversationId: conversation, cursor, state }, { exchanges, backoff, onEnd });
      followers.set(conversation, follower);
      return follower.follow;
    },
    close: connection.close,
  };
}

function closedFor({ code, reason }: { code: number; reason: string }): ParleyError {
  return clientError('connection_closed', `The connection is closed (${code}${reason && `, ${reason}`}).`, { close_code: code, reason });
}
