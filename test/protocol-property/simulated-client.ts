/**
 * Simulates a client. Its state outlives its sockets, of which it has one at a time. It sends requests, remembers them,
 * and reconnects with its cursors.
 */
import type { Incoming } from '../../src/client/frames.ts';
import type { ReportViolation } from './violation.ts';
import type { FollowedTurn } from './followed-turn.ts';
import {
  beginning,
  createExpectedState,
  forget,
  placeInTurn,
  placeOf,
  type ExpectedState,
  type SentTurn,
} from './expected-state.ts';
import { openConnection, type Connection } from './connection.ts';
import type { From } from './steps.ts';

export interface SimulatedClient {
  readonly name: string;
  readonly expectedStates: ReadonlyMap<string, ExpectedState>;
  /** The open connection, otherwise the last one. */
  readonly connection: Connection | null;
  /** All connections that it has had. */
  readonly connections: readonly Connection[];
  /** Opens a connection if none is open. */
  connect(): Promise<Connection>;
  /** Sends a chat, for the first time or again. */
  chat(
    connection: Connection,
    conversation: string,
    chat: { requestId: string; payload: Record<string, unknown>; streaming: boolean; withCursor: boolean },
  ): () => boolean;
  subscribe(connection: Connection, conversation: string, from: From, state: boolean): () => boolean;
  unsubscribe(connection: Connection, conversation: string): () => boolean;
  ask(connection: Connection, action: string, payload: object, take?: (answer: Incoming) => void): () => boolean;
  /** Repeats all requests that it followed, from their cursors. */
  resume(connection: Connection): (() => boolean)[];
}

export interface SimulatedClientDeps {
  url(): string;
  report: ReportViolation;
  mayBeClosed(): boolean;
  onFrame(frame: Incoming): void;
  /** False while the conversation may not be the one that the cursors belong to. */
  isSameConversation(client: string, conversation: string): boolean;
}

export function createSimulatedClient(
  name: string,
  { url, report, mayBeClosed, onFrame, isSameConversation }: SimulatedClientDeps,
): SimulatedClient {
  const expectedStates = new Map<string, ExpectedState>();
  const connections: Connection[] = [];
  let requests = 0;

  const expected = (conversation: string): ExpectedState => {
    const known = expectedStates.get(conversation) ?? createExpectedState();
    expectedStates.set(conversation, known);
    return known;
  };
  /**
   * Drops the state of a conversation that may have been deleted. A client that follows it drops the state when
   * `deleted` comes.
   */
  const continues = (connection: Connection, conversation: string): boolean => {
    if (isSameConversation(name, conversation)) return true;
    const { subscription, turns } = connection.follower(conversation);
    const followed = [...turns.values()].filter(({ isFollowing }) => isFollowing);
    // Until the answer to the next request, frames may still continue from the old state.
    for (const own of followed) own.markAmbiguous();
    forget(expected(conversation), subscription !== null || followed.length > 0);
    return false;
  };
  const ask: SimulatedClient['ask'] = (connection, action, payload, take) => {
    const requestId = `${name}-${(requests += 1)}`;
    connection.ask(requestId, action, payload, take);
    return () => (connection.questions.get(requestId)?.answers.length ?? 0) > 0;
  };
  const subscribe: SimulatedClient['subscribe'] = (connection, conversation, from, state) => {
    const place = continues(connection, conversation) ? placeOf(expected(conversation), from) : beginning;
    const follower = connection.follower(conversation);
    return ask(connection, 'subscribe', { conversation_id: conversation, ...place.cursor, state }, (answer) => {
      if (answer.status === 'result') follower.subscribed(place, answer.result);
      else expected(conversation).wantsToFollow = false;
    });
  };
  const chat: SimulatedClient['chat'] = (connection, conversation, { requestId, payload, streaming, withCursor }) => {
    const held = expected(conversation);
    const turn: SentTurn = held.turns.get(requestId) ?? {
      requestId,
      payload,
      afterSeq: 0,
      shown: new Set(),
      messages: new Set(),
      writing: null,
      end: null,
      heldAtEnd: null,
    };
    held.turns.set(requestId, turn);
    turn.end = null;
    const place = continues(connection, conversation) && withCursor ? placeInTurn(held, turn) : beginning;
    const own = connection.follower(conversation).chat(turn, place);
    const before = answersTo(own);
    connection.chat(requestId, {
      ...payload,
      conversation_id: conversation,
      streaming,
      ...(withCursor ? { cursor: place.cursor } : {}),
    });
    return () => answersTo(own) > before;
  };

  return {
    name,
    expectedStates,
    get connection() {
      return connections.at(-1) ?? null;
    },
    connections,
    async connect() {
      const present = connections.at(-1);
      if (present?.isOpen) return present;
      const connection = await openConnection(url(), {
        expected,
        report: (rule, what) => report(rule, `${name}: ${what}`),
        mayBeClosed,
        onFrame,
      });
      connections.push(connection);
      return connection;
    },
    chat,
    subscribe,
    unsubscribe: (connection, conversation) =>
      ask(connection, 'unsubscribe', { conversation_id: conversation }, () =>
        connection.follower(conversation).unsubscribed(),
      ),
    ask,
    resume(connection) {
      return [...expectedStates].flatMap(([conversation, { turns, wantsToFollow }]) => [
        ...(wantsToFollow ? [subscribe(connection, conversation, 'here', true)] : []),
        ...[...turns.values()]
          .filter(({ end }) => end === null)
          .map(({ requestId, payload }) =>
            chat(connection, conversation, { requestId, payload, streaming: true, withCursor: true }),
          ),
      ]);
    },
  };
}

function answersTo({ accepted, refused }: FollowedTurn): number {
  return accepted + refused;
}
