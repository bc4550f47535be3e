/**
 * The requests that are open: sent as soon as there is a connection, sent again after it was lost if
 * a repeat is harmless, and given the frames that answer them. Knows ids, not what is asked.
 */
import { clientError, type ParleyError } from './errors.ts';
import { requestIdOf } from './frames.ts';
import type { Frame } from '../protocol/frames.ts';

/** What is asked, as the wire has it. */
export interface RequestBody {
  action: string;
  payload: object;
}

/** One request from its sending to its last frame. */
export interface PendingRequest {
  readonly requestId: string;
  /** Where its answers come from: the same id in another conversation is another request. Null: its id is its own. */
  readonly conversationId: string | null;
  /** False: lost if the socket falls before the answer, because a repeat might act twice. */
  readonly idempotent: boolean;
  /** Called for each sending: a repeat may ask for less than the first. */
  body(): RequestBody;
  /** Gets every frame that answers it. */
  receive(frame: Frame): void;
  /** It is over, without an answer; the request is no longer in the table. */
  fail(error: ParleyError): void;
}

export interface PendingRequests {
  /** Sends it now or with the next connection; fails it if that cannot be. */
  add(request: PendingRequest): void;
  /** Sends an open request once more, unless there is no connection: then that follows anyway. */
  resend(request: PendingRequest): void;
  /** The server has refused it and done nothing: until it is sent again it counts as never sent. */
  markUnsent(request: PendingRequest): void;
  /** Forgets one that is over. */
  remove(request: PendingRequest): void;
  /** Hands a frame to whoever asked. */
  receive(frame: Frame): void;
  connected(): void;
  disconnected(): void;
  /** Fails all, and all that come after. */
  failAll(error: ParleyError): void;
}

/** Open requests. After a reconnect all are sent at once, and a server takes 1,000 frames in one burst. */
const MAX_OPEN = 512;

interface Entry {
  request: PendingRequest;
  /** False while it waits for its first sending, and after a refusal. */
  sent: boolean;
}

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
  /** Never at once: whoever opens it may not have finished setting it up. */
  const failSoon = (request: PendingRequest, error: ParleyError): void => {
    if (find(request)) entries.delete(requestKey(request));
    queueMicrotask(() => request.fail(error));
  };
  const rejection = (request: PendingRequest): ParleyError | null => {
    if (ended) return ended;
    if (entries.has(requestKey(request)))
      return clientError('already_open', `A request with the id "${request.requestId}" is open already.`);
    if (entries.size >= MAX_OPEN) return clientError('too_many_open', `${MAX_OPEN} requests are open already.`);
    return null;
  };
  const find = (request: PendingRequest): Entry | undefined => {
    const entry = entries.get(requestKey(request));
    return entry?.request === request ? entry : undefined;
  };
  /** A frame without a conversation refuses what was not understood. */
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
            'The connection fell before the answer came; the request may have been carried out.',
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

/** The request as text; it may hold what JSON cannot say. */
function encode(request: PendingRequest): string | ParleyError {
  try {
    const { action, payload } = request.body();
    return JSON.stringify({ action, request_id: request.requestId, payload });
  } catch (error) {
    return clientError('unsendable', `The request cannot be written as JSON: ${String(error)}`);
  }
}

/** Ids have no control characters. */
function requestKey({ requestId, conversationId }: Pick<PendingRequest, 'requestId' | 'conversationId'>): string {
  return conversationId === null ? requestId : `${conversationId}\n${requestId}`;
}
