/**
 * The requests that are open: sent as soon as there is a connection, sent again after it was lost if
 * a repeat is harmless, and given the frames that answer them. Knows ids, not what is asked.
 */
import { clientError, type ParleyError } from './errors.ts';
import { requestIdOf, type Incoming } from './frames.ts';

/** What is asked, as the wire has it. */
export interface Question {
  action: string;
  payload: object;
}

/** One request from its sending to its last frame. */
export interface Exchange {
  readonly requestId: string;
  /** Where its answers come from: the same id in another conversation is another request. Null: its id is its own. */
  readonly conversationId: string | null;
  /** False: lost if the socket falls before the answer, because a repeat might act twice. */
  readonly repeatable: boolean;
  /** Called for each sending: a repeat may ask for less than the first. */
  question(): Question;
  /** Gets every frame that answers it. */
  receive(frame: Incoming): void;
  /** It is over, without an answer; the exchange is no longer in the table. */
  fail(error: ParleyError): void;
}

export interface Exchanges {
  /** Sends it now or with the next connection; fails it if that cannot be. */
  open(exchange: Exchange): void;
  /** Sends an open exchange once more, unless there is no connection: then that follows anyway. */
  again(exchange: Exchange): void;
  /** The server has refused it and done nothing: until it is sent again it counts as never sent. */
  refused(exchange: Exchange): void;
  /** Forgets one that is over. */
  close(exchange: Exchange): void;
  /** Hands a frame to whoever asked. */
  receive(frame: Incoming): void;
  connected(): void;
  disconnected(): void;
  /** Fails all, and all that come after. */
  end(error: ParleyError): void;
}

/** Open requests. After a reconnect all are sent at once, and a server takes 1,000 frames in one burst. */
const MAX_OPEN = 512;

interface Entry {
  exchange: Exchange;
  /** False while it waits for its first sending, and after a refusal. */
  sent: boolean;
}

export function createExchanges(connection: { isOpen(): boolean; send(text: string): void }): Exchanges {
  const entries = new Map<string, Entry>();
  let ended: ParleyError | null = null;

  const ask = (entry: Entry): void => {
    if (!connection.isOpen()) return;
    const { exchange } = entry;
    const text = encode(exchange);
    entry.sent = true;
    if (typeof text === 'string') connection.send(text);
    else giveUp(exchange, text);
  };
  /** Never at once: whoever opens it may not have finished setting it up. */
  const giveUp = (exchange: Exchange, error: ParleyError): void => {
    if (find(exchange)) entries.delete(keyOf(exchange));
    queueMicrotask(() => exchange.fail(error));
  };
  const refusal = (exchange: Exchange): ParleyError | null => {
    if (ended) return ended;
    if (entries.has(keyOf(exchange)))
      return clientError('already_open', `A request with the id "${exchange.requestId}" is open already.`);
    if (entries.size >= MAX_OPEN) return clientError('too_many_open', `${MAX_OPEN} requests are open already.`);
    return null;
  };
  const find = (exchange: Exchange): Entry | undefined => {
    const entry = entries.get(keyOf(exchange));
    return entry?.exchange === exchange ? entry : undefined;
  };
  /** A frame without a conversation refuses what was not understood. */
  const askerOf = (requestId: string, conversationId: string | undefined): Entry | undefined => {
    const own = conversationId === undefined ? undefined : entries.get(keyOf({ requestId, conversationId }));
    if (own) return own;
    const free = entries.get(keyOf({ requestId, conversationId: null }));
    if (free || conversationId !== undefined) return free;
    return [...entries.values()].find(({ exchange }) => exchange.requestId === requestId);
  };

  return {
    open(exchange) {
      const refused = refusal(exchange);
      if (refused) {
        giveUp(exchange, refused);
        return;
      }
      const entry = { exchange, sent: false };
      entries.set(keyOf(exchange), entry);
      ask(entry);
    },
    again(exchange) {
      const entry = find(exchange);
      if (entry) ask(entry);
    },
    refused(exchange) {
      const entry = find(exchange);
      if (entry) entry.sent = false;
    },
    close(exchange) {
      if (find(exchange)) entries.delete(keyOf(exchange));
    },
    receive(frame) {
      const requestId = requestIdOf(frame);
      if (requestId !== null) askerOf(requestId, frame.conversation_id)?.exchange.receive(frame);
    },
    connected() {
      for (const entry of entries.values()) ask(entry);
    },
    disconnected() {
      for (const { exchange, sent } of entries.values()) {
        if (!sent || exchange.repeatable) continue;
        entries.delete(keyOf(exchange));
        exchange.fail(
          clientError(
            'connection_lost',
            'The connection fell before the answer came; the request may have been carried out.',
          ),
        );
      }
    },
    end(error) {
      ended = error;
      const open = [...entries.values()];
      entries.clear();
      for (const { exchange } of open) exchange.fail(error);
    },
  };
}

/** The request as text; it may hold what JSON cannot say. */
function encode(exchange: Exchange): string | ParleyError {
  try {
    const { action, payload } = exchange.question();
    return JSON.stringify({ action, request_id: exchange.requestId, payload });
  } catch (error) {
    return clientError('unsendable', `The request cannot be written as JSON: ${String(error)}`);
  }
}

/** Ids have no control characters. */
function keyOf({ requestId, conversationId }: Pick<Exchange, 'requestId' | 'conversationId'>): string {
  return conversationId === null ? requestId : `${conversationId}\n${requestId}`;
}
