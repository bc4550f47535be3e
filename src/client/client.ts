/**
 * Implements the client for browsers and Node: one connection that reconnects, with chats, requests and subscriptions.
 * Imports only types and constants of the protocol from the server.
 *
 *   const client = connect('ws://localhost:8000/ws/chat');
 *   const turn = client.chat('What is 2 + 3?');
 *   for await (const chunk of turn) if (chunk.type === 'text') show(chunk.data);
 *   const { metadata } = await turn.end;
 */
import type { Fault } from '../../machines/log.ts';
import { PROTOCOL, TOKEN_PREFIX } from '../protocol/subprotocols.ts';
import type { Payload } from '../protocol/actions.ts';
import { createBackoff, type BackoffOptions } from './backoff.ts';
import { NO_CLOSE_FRAME, openConnection, type ConnectionStatus, type SocketConstructor } from './connection.ts';
import { clientError, ParleyError } from './errors.ts';
import { createPendingRequests } from './pending-requests.ts';
import { startSubscription, type Subscription, type SubscriptionHandle } from './subscription.ts';
import { parseFrame } from './frames.ts';
import type { Frame } from '../protocol/frames.ts';
import type { RetryWait } from './retry.ts';
import type { Cursor } from './position.ts';
import { newId, sendRequest } from './request.ts';
import { createRequests, type Requests } from './requests.ts';
import { startTurn, type Turn } from './turn.ts';

/** All are optional. */
export interface ClientOptions {
  /** For servers that require a token. Without a valid one, all promises reject with `unauthorized`. */
  token?: string;
  /** Replaces the global `WebSocket`. */
  WebSocket?: SocketConstructor;
  /**
   * Delays between connections: from 200 ms, doubled up to 10 s, up to half of each subtracted at random. After a restart
   * (close code 1012) or a crash (1006) they stay at most 1.6 s for about a minute. `attempts`: after this many lost
   * connections in a row, without a frame between them, all promises reject with `unreachable`. From 1. Default: no limit.
   */
  reconnect?: Partial<BackoffOptions> & { attempts?: number };
  /** Timeout of a handshake, and of a request including reconnects and retries, in ms. Default: 30,000. Turns have no timeout. */
  requestTimeoutMs?: number;
  /**
   * Longest total wait, in ms, for retries of a request that the server rejects for now (`overloaded`, `shutting_down`,
   * ...). The client sends it again with the same id, with the delays of `reconnect`, but not before the server's
   * `retry_after_ms`. Then the promises reject with the last error. Default: 60,000. 0 disables retries.
   */
  retryTimeoutMs?: number;
  /** After this time without a frame, in ms, the client pings the server. Default: 15,000. */
  heartbeatMs?: number;
  /** Called at every change of the connection. */
  onStatus?(status: ConnectionStatus): void;
  /** Called at the start of each delay before a retry. The delay is over when the request's promise settles (a chat's `accepted`), or at the next call. */
  onWait?(wait: RetryWait): void;
}

/** All are optional. */
export interface ChatOptions {
  /** Default: the client's own conversation. */
  conversationId?: string;
  /** False: the client gets each message whole, once it is stored. */
  streaming?: boolean;
  /** What to do while another turn runs: wait behind it (default), be rejected, or stop it. */
  mode?: Payload<'chat'>['mode'];
  /** Seq of an earlier message that this chat replaces. While a turn runs, only with `mode: 'interrupt'`. */
  rewindTo?: number;
  /** The id of the turn. The same chat with the same id never runs twice. */
  requestId?: string;
  /** The model to use. The server must allow it. */
  model?: string;
  metadata?: Record<string, unknown>;
  /**
   * The tools that the turn may use, among those that the server offers: names as `tools()` returns them, `server/tool`, or
   * patterns such as `server/*`. `deny` takes precedence.
   */
  tools?: { allow?: readonly string[]; deny?: readonly string[] };
  /** A prompt of an MCP server. Its messages go before the text; without text, its last message is the message. */
  prompt?: { server: string; name: string; arguments?: Record<string, string> };
  /** Resources of MCP servers. They go before the text. */
  resources?: readonly { server: string; uri: string }[];
  /** The cursor of a chat that was read in part (`turn.cursor()`). The server sends only the rest. */
  cursor?: Cursor;
  /** Cancels the turn when it aborts. */
  signal?: AbortSignal;
  /** Like the client's `onWait`, for this chat. Both are called. */
  onWait?(wait: RetryWait): void;
}

/** All promises reject with a ParleyError. */
export interface Client extends Requests {
  /** The conversation of chats without `conversationId`. */
  readonly conversationId: string;
  /** With null, the message at `rewindTo` is sent again. Never throws: the turn's promises reject. */
  chat(text: string | null, options?: ChatOptions): Turn;
  /** A client can have one subscription to each conversation. `state`: also get `state` frames. Throws `already_open`. */
  subscribe(conversationId: string, options?: { cursor?: Cursor; state?: boolean }): Subscription;
  /** Closes the connection, but cancels no turn. Pending promises reject with `connection_closed`. */
  close(): void;
}

/**
 * Connects, and reconnects until the client is closed, the server rejects it, or `reconnect.attempts` is reached. Throws a
 * ParleyError `invalid_options` for an invalid URL or token.
 */
export function connect(url: string, options: ClientOptions = {}): Client {
  const requestTimeoutMs = options.requestTimeoutMs ?? 30_000;
  const { attempts = Infinity, ...delays } = options.reconnect ?? {};
  const backoff = createBackoff({ minMs: 200, maxMs: 10_000, jitter: 0.5, random: Math.random, ...delays });
  const waits = {
    backoff,
    retryTimeoutMs: options.retryTimeoutMs ?? 60_000,
    onWait: (wait: RetryWait) => options.onWait?.(wait),
  };
  const conversationId = newId();
  const subscriptions = new Map<string, SubscriptionHandle>();

  /** The last frame of the server, if it was an error about the whole connection. */
  let connectionFault: Fault | null = null;

  const connection = openConnection({
    url,
    protocols: subprotocolsFor(options.token),
    WebSocket: options.WebSocket ?? WebSocket,
    backoff,
    attempts,
    handshakeMs: requestTimeoutMs,
    heartbeatMs: options.heartbeatMs ?? 15_000,
    probe: JSON.stringify({ action: 'ping', request_id: 'heartbeat', payload: {} }),
    onText(text) {
      const frame = parseFrame(text);
      if (frame) route(frame);
    },
    onStatus(status) {
      if (status.status === 'connecting') connectionFault = null;
      if (status.status === 'open') pendingRequests.connected();
      if (status.status === 'waiting') pendingRequests.disconnected();
      if (status.status === 'closed') pendingRequests.failAll(closedError(status, connectionFault));
      if (status.status === 'unreachable') pendingRequests.failAll(unreachableError(url, status, connectionFault));
      options.onStatus?.(status);
    },
  });
  const pendingRequests = createPendingRequests(connection);

  function route(frame: Frame): void {
    connectionFault =
      frame.status === 'error' && frame.request_id === null && frame.conversation_id === undefined ? frame.error : null;
    pendingRequests.receive(frame);
    if (frame.conversation_id !== undefined) subscriptions.get(frame.conversation_id)?.onFrame(frame);
  }

  const requests = createRequests(
    (action, payload = {}, requestOptions = {}) =>
      sendRequest(action, payload, requestOptions, { pendingRequests, timeoutMs: requestTimeoutMs, ...waits }),
    conversationId,
  );

  return {
    ...requests,
    conversationId,
    chat(
      text,
      {
        conversationId: conversation = conversationId,
        requestId = newId(),
        cursor = { after_seq: 0 },
        signal = null,
        rewindTo,
        onWait,
        ...rest
      } = {},
    ) {
      const payload = {
        ...(text === null ? {} : { text }),
        conversation_id: conversation,
        rewind_to: rewindTo,
        ...rest,
      };
      return startTurn(
        { requestId, conversationId: conversation, payload, cursor, signal },
        {
          ...waits,
          pendingRequests,
          cancel: requests.cancel,
          onWait(wait) {
            onWait?.(wait);
            waits.onWait(wait);
          },
        },
      );
    },
    subscribe(conversation, { cursor = { after_seq: 0 }, state = false } = {}) {
      if (subscriptions.has(conversation))
        throw clientError(
          'already_open',
          `This client is subscribed to the conversation "${conversation}" already. Close that subscription first.`,
        );
      const onEnd = () => {
        subscriptions.delete(conversation);
        // Without a connection the subscription ended with its socket.
        if (connection.isOpen()) requests.request('unsubscribe', { conversation_id: conversation }).catch(() => {});
      };
      const handle = startSubscription(
        { requestId: newId(), conversationId: conversation, cursor, state },
        { ...waits, pendingRequests, onEnd },
      );
      subscriptions.set(conversation, handle);
      return handle.subscription;
    },
    close: connection.close,
  };
}

/** Browsers cannot set headers on a WebSocket, so the token is a subprotocol. */
function subprotocolsFor(token: string | undefined): string[] {
  return token === undefined ? [] : [PROTOCOL, `${TOKEN_PREFIX}${token}`];
}

function closedError({ code, reason }: { code: number; reason: string }, connectionFault: Fault | null): ParleyError {
  if (connectionFault) return new ParleyError(connectionFault);
  return clientError('connection_closed', `The connection is closed (${code}${reason && `, ${reason}`}).`, {
    close_code: code,
    reason,
  });
}

/** The error of the server, its close reason, or the address at which no server answers. */
function unreachableError(
  url: string,
  { tries, code, reason }: Extract<ConnectionStatus, { status: 'unreachable' }>,
  connectionFault: Fault | null,
): ParleyError {
  if (connectionFault) return new ParleyError(connectionFault);
  const data = { close_code: code, reason };
  const times = tries === 1 ? 'once' : `${tries} times`;
  if (code !== NO_CLOSE_FRAME)
    return clientError(
      'unreachable',
      `The server at ${url} closed the connection ${times} (${code}${reason && `, ${reason}`}). Try again later.`,
      data,
    );
  return clientError(
    'unreachable',
    `No Parley server answers at ${url} (tried ${times}). Start the server, or correct the address.`,
    data,
  );
}
