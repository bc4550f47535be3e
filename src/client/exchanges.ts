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
  /** False: lost if the socket falls before the answer, because a repeat might act twice. */
  readonly repeatable: boolean;
  /** Called for each sending: a repeat may ask for less than the first. */
  question(): Question;
  /** Gets every frame with its request id. */
  receive(frame: Incoming): void;
  /** It is over, without an answer; the exchange is no longer in the table. */
  fail(error: ParleyError): void;
}

export interface Exchanges {
  /** Sends it now or with the next connection; fails it if that cannot be. */
  open(exchange: Exchange): void;
  /** Sends an open exchange once more, unless there is no connection: then that follows anyway. */
  again(exchange: Exchange): void;
  /** Forgets one that is over. */
  close(exchange: Exchange): void;
  /** False while an exchange waits for its first sending. */
  wasSent(exchange: Exchange): boolean;
  /** Hands a frame to whoever asked. */
  receive(frame: Incoming): void;
  connected(): void;
  disconnected(): void;
  /** Fails all, and all that come after. */
  end(error: ParleyError): void;
}

/** Requests that wait for their first sending; far below the 1,000 frames that a server takes in one burst. */
const MAX_WAITING = 256;

export function createExchanges(connection: { isOpen(): boolean; send(text: string): void }): Exchanges {
  const entries = new Map<string, { exchange: Exchange; sent: boolean }>();
  let ended: ParleyError | null = null;

  const ask = (entry: { exchange: Exchange; sent: boolean }): void => {
    if (!connection.isOpen()) return;
    const { action, payload } = entry.exchange.question();
    entry.sent = true;
    connection.send(JSON.stringify({ action, request_id: entry.exchange.requestId, payload }));
  };
  const countWaiting = () => [...entries.values()].filter(({ sent }) => !sent).length;
  const refusal = (requestId: string): ParleyError | null => {
    if (ended) return ended;
    if (entries.has(requestId)) return clientError('already_open', `A request with the id "${requestId}" is open already.`);
    if (countWaiting() >= MAX_WAITING) return clientError('too_many_waiting', `${MAX_WAITING} requests wait for a connection already.`);
    return null;
  };

  return {
    open(exchange) {
      const refused = refusal(exchange.requestId);
      if (refused) {
        // Never while it is being opened: whoever opens it has not finished setting it up.
        queueMicrotask(() => exchange.fail(refused));
        return;
      }
      const entry = { exchange, sent: false };
      entries.set(exchange.requestId, entry);
      ask(entry);
    },
    again(exchange) {
      const entry = entries.get(exchange.requestId);
      if (entry?.exchange === exchange) ask(entry);
    },
    close(exchange) {
      const entry = entries.get(exchange.requestId);
      if (entry?.exchange === exchange) entries.delete(exchange.requestId);
    },
    wasSent: (exchange) => entries.get(exchange.requestId)?.sent ?? true,
    receive(frame) {
      entries.get(requestIdOf(frame) ?? '')?.exchange.receive(frame);
    },
    connected() {
      for (const entry of entries.values()) ask(entry);
    },
    disconnected() {
      for (const { exchange, sent } of entries.values()) {
        if (!sent || exchange.repeatable) continue;
        entries.delete(exchange.requestId);
        exchange.fail(clientError('connection_lost', 'The connection fell before the answer came; the request may have been carried out.'));
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
