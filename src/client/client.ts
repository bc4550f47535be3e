/**
 * The client: one lasting connection, and on it chats, requests and followed conversations. For
 * browsers and Node alike; imports nothing of the server but types.
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

export interface ClientOptions {
  /** For servers that ask for one. Without it, or with a wrong one, everything rejects with `unauthorized`. */
  token?: string;
  /** Instead of the global one. */
  WebSocket?: SocketConstructor;
  /**
   * Delays between connections: from 200 ms doubling to 10 s, half of each by chance. After a restart (close code 1012)
   * or a crash (1006) they stop growing at 1.6 s for about a minute. `attempts`: connections lost in a row, without a
   * frame in between, after which everything rejects with `unreachable`. From 1; no limit by default.
   */
  reconnect?: Partial<BackoffOptions> & { attempts?: number };
  /** Longest wait for a handshake, and from a request to its result, reconnects and refusals included; 30 s. Turns take as long as they take. */
  requestTimeoutMs?: number;
  /**
   * Longest total wait, in ms, while the server refuses a request for now (`overloaded`, `shutting_down`, ...) and nothing
   * comes of it; 60,000. The client sends it again under the same id, with the delays of `reconnect` and not before the
   * server's `retry_after_ms`. Then the promises reject with the refusal. 0 waits for none.
   */
  retryTimeoutMs?: number;
  /** After this much silence the server is asked whether it is there; 15 s. */
  heartbeatMs?: number;
  /** Told of every change of the connection. */
  onStatus?(status: ConnectionStatus): void;
  /** Called each time that the server has refused a request for now: what waits, why, and for how long. The wait is over when the request's promise settles (a chat's `accepted`), or at its next call. */
  onWait?(wait: RetryWait): void;
}

export interface ChatOptions {
  /** Default: the client's own conversation. */
  conversationId?: string;
  /** False: each message whole, once it is stored. */
  streaming?: boolean;
  /** What to do while another turn runs: wait behind it (default), be refused, or end it. */
  mode?: Payload<'chat'>['mode'];
  /** In place of an earlier message, by its seq: the conversation goes on from before it. While a turn runs only with `mode: 'interrupt'`. */
  rewindTo?: number;
  /** The turn's identity: the same chat under the same id never runs twice. */
  requestId?: string;
  /** The model to ask, one that the server allows. */
  model?: string;
  metadata?: Record<string, unknown>;
  /** A prompt of an MCP server, whose messages go before the text; without text its last words are the message. */
  prompt?: { server: string; name: string; arguments?: Record<string, string> };
  /** Resources of MCP servers, which go before the text. */
  resources?: readonly { server: string; uri: string }[];
  /** Of a chat that was read in part (`turn.cursor()`): only what is missing comes. */
  cursor?: Cursor;
  /** Stops the turn when it aborts. */
  signal?: AbortSignal;
  /** Called each time that the server has refused this chat for now, beside the client's own `onWait`. */
  onWait?(wait: RetryWait): void;
}

/** All promises reject with a ParleyError. */
export interface Client extends Requests {
  /** The conversation of chats that name none. */
  readonly conversationId: string;
  /** Without a text the message at `rewindTo` is asked again. Never throws: what is wrong, the turn's promises tell. */
  chat(text: string | null, options?: ChatOptions): Turn;
  /** One `follow` a conversation and client. `state`: also how the conversation stands. */
  subscribe(conversationId: string, options?: { cursor?: Cursor; state?: boolean }): Subscription;
  /** Closes the connection; it cancels no turn. What is open rejects with `connection_closed`. */
  close(): void;
}

/**
 * Connects, and keeps connecting until it is closed, refused, or out of `reconnect.attempts`. Throws a ParleyError
 * `invalid_options` for an invalid URL, and for a token that cannot be sent.
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

  /** What the server said last, if it was a complaint about this connection as a whole. */
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
        throw clientError('already_open', `The conversation "${conversation}" is followed already.`);
      const onEnd = () => {
        subscriptions.delete(conversation);
        // Without a connection the subscription went with its socket.
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

/** A browser sets no headers on a WebSocket, so the token goes where it can set something. */
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

/** The reason that the server gave, or where no server answered. */
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
