/**
 * Tracks pending requests: sends them when a connection is open, sends idempotent ones again after a reconnect, and passes
 * them the frames with their ids.
 */
import { clientError, type ParleyError } from './errors.ts';
import { requestIdOf } from './frames.ts';
import type { Frame } from '../protocol/frames.ts';

/** The action and payload of a request. */
export interface RequestBody {
  action: string;
  payload: object;
}

/** A request until its last frame. */
export interface PendingRequest {
  readonly requestId: string;
  /** With the request id, the identity of the request. Null if the request id alone is unique. */
  readonly conversationId: string | null;
  /** False: the request fails if the socket is lost before the response. */
  readonly idempotent: boolean;
  /** Called at each sending. A repetition may ask for less, by its cursor. */
  body(): RequestBody;
  /** Called with every frame for this request. */
  receive(frame: Frame): void;
  /** Called when the request ends without a response. It is removed before. */
  fail(error: ParleyError): void;
}

/** The requests of one client, by id. */
export interface PendingRequests {
  /** Sends the request now or with the next connection. Fails it if that is impossible. */
  add(request: PendingRequest): void;
  /** Sends a pending request again. Does nothing without a connection: the next one sends it anyway. */
  resend(request: PendingRequest): void;
  /** The server rejected the request without doing anything. It counts as unsent until it is sent again. */
  markUnsent(request: PendingRequest): void;
  /** Removes a finished request. */
  remove(request: PendingRequest): void;
  /** Passes a frame to its request. */
  receive(frame: Frame): void;
  connected(): void;
  disconnected(): void;
  /** Fails all requests, now and later. */
  failAll(error: ParleyError): void;
}

/** Limit of pending requests. After a reconnect all are sent at once, and a server accepts bursts of 1,000 frames. */
const MAX_PENDING = 512;

interface Entry {
  request: PendingRequest;
  /** False before the first sending, and after a rejection. */
  sent: boolean;
}

/** Creates the table of requests without an answer. Sends them again after each reconnect. */
export function createPendingRequests(connection: { isOpen(): boolean; send(text: string): void }): PendingRequests {
  const entries = new Map<string, Entry>();
  let ended: ParleyError | null = null;

  const ask = (entry: Entry): void => {
    if (!connection.isOpen()) return;
    const { request } = entry;
    const text = encode(request);
    entry.sent = true;
    if (typeof text === 'string') connection.send(text);
    else failSoon(request, text);
  };
  /** Fails the request in a microtask, because its owner may still be setting it up. */
  const failSoon = (request: PendingRequest, error: ParleyError): void => {
    if (find(request)) entries.delete(requestKey(request));
    queueMicrotask(() => request.fail(error));
  };
  const rejection = (request: PendingRequest): ParleyError | null => {
    if (ended) return ended;
    if (entries.has(requestKey(request)))
      return clientError(
        'already_open',
        `A request with the id "${request.requestId}" is pending already. Use a new id.`,
      );
    if (entries.size >= MAX_PENDING)
      return clientError('too_many_open', `${MAX_PENDING} requests are pending already. Wait for one of them.`);
    return null;
  };
  const find = (request: PendingRequest): Entry | undefined => {
    const entry = entries.get(requestKey(request));
    return entry?.request === request ? entry : undefined;
  };
  /** A frame without a conversation rejects an invalid request. */
  const findFor = (requestId: string, conversationId: string | undefined): Entry | undefined => {
    const own = conversationId === undefined ? undefined : entries.get(requestKey({ requestId, conversationId }));
    if (own) return own;
    const free = entries.get(requestKey({ requestId, conversationId: null }));
    if (free || conversationId !== undefined) return free;
    return [...entries.values()].find(({ request }) => request.requestId === requestId);
  };

  return {
    add(request) {
      const error = rejection(request);
      if (error) {
        failSoon(request, error);
        return;
      }
      const entry = { request, sent: false };
      entries.set(requestKey(request), entry);
      ask(entry);
    },
    resend(request) {
      const entry = find(request);
      if (entry) ask(entry);
    },
    markUnsent(request) {
      const entry = find(request);
      if (entry) entry.sent = false;
    },
    remove(request) {
      if (find(request)) entries.delete(requestKey(request));
    },
    receive(frame) {
      const requestId = requestIdOf(frame);
      if (requestId !== null) findFor(requestId, frame.conversation_id)?.request.receive(frame);
    },
    connected() {
      for (const entry of entries.values()) ask(entry);
    },
    disconnected() {
      for (const { request, sent } of entries.values()) {
        if (!sent || request.idempotent) continue;
        entries.delete(requestKey(request));
        request.fail(
          clientError(
            'connection_lost',
            'The connection was lost before the response. The request may have been executed.',
          ),
        );
      }
    },
    failAll(error) {
      ended = error;
      const open = [...entries.values()];
      entries.clear();
      for (const { request } of open) request.fail(error);
    },
  };
}

/** The request as text; an error if it cannot be written as JSON. */
function encode(request: PendingRequest): string | ParleyError {
  try {
    const { action, payload } = request.body();
    return JSON.stringify({ action, request_id: request.requestId, payload });
  } catch (error) {
    return clientError('unsendable', `The request cannot be written as JSON: ${String(error)}`);
  }
}

/** Ids contain no control characters, so the key is unique. */
function requestKey({ requestId, conversationId }: Pick<PendingRequest, 'requestId' | 'conversationId'>): string {
  return conversationId === null ? requestId : `${conversationId}\n${requestId}`;
}
