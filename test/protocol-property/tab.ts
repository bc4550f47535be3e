/**
 * A client: what it holds outlives its sockets, of which it has one at a time. It asks, remembers what it asked, and
 * comes back with what it has.
 */
import type { Frame } from '../../src/protocol/frames.ts';
import type { Complain } from './complaint.ts';
import type { FollowedTurn } from './followed-turn.ts';
import { beginning, createHolding, forget, placeInTurn, placeOf, type Holding, type SentTurn } from './holding.ts';
import { openLine, type Line } from './line.ts';
import type { From } from './steps.ts';

export interface Tab {
  readonly name: string;
  readonly holdings: ReadonlyMap<string, Holding>;
  /** The open one, else the last. */
  readonly line: Line | null;
  /** Every socket that it has had. */
  readonly lines: readonly Line[];
  /** Opens a socket if there is none. */
  connect(): Promise<Line>;
  /** Sends a chat, for the first time or again. */
  chat(
    line: Line,
    conversation: string,
    chat: { requestId: string; payload: Record<string, unknown>; streaming: boolean; withCursor: boolean },
  ): () => boolean;
  subscribe(line: Line, conversation: string, from: From, state: boolean): () => boolean;
  unsubscribe(line: Line, conversation: string): () => boolean;
  ask(line: Line, action: string, payload: object, take?: (answer: Frame) => void): () => boolean;
  /** Asks again for all that it followed, from where it was. */
  resume(line: Line): (() => boolean)[];
}

export interface TabDeps {
  url(): string;
  complain: Complain;
  mayBeHungUpOn(): boolean;
  heard(frame: Frame): void;
  /** False while it is not sure that a conversation is the one that its cursors are of. */
  mayGoOn(tab: string, conversation: string): boolean;
}

export function createTab(name: string, { url, complain, mayBeHungUpOn, heard, mayGoOn }: TabDeps): Tab {
  const holdings = new Map<string, Holding>();
  const lines: Line[] = [];
  let requests = 0;

  const holding = (conversation: string): Holding => {
    const known = holdings.get(conversation) ?? createHolding();
    holdings.set(conversation, known);
    return known;
  };
  /** What is held of a conversation that may be gone is worth nothing; who follows it is told, and forgets it then. */
  const goesOn = (line: Line, conversation: string): boolean => {
    if (mayGoOn(name, conversation)) return true;
    const { subscription, turns } = line.follower(conversation);
    const followed = [...turns.values()].filter(({ isFollowing }) => isFollowing);
    // Until the answer to what is asked now, frames come that go on from what was held.
    for (const own of followed) own.mix();
    forget(holding(conversation), subscription !== null || followed.length > 0);
    return false;
  };
  const ask: Tab['ask'] = (line, action, payload, take) => {
    const requestId = `${name}-${(requests += 1)}`;
    line.ask(requestId, action, payload, take);
    return () => (line.questions.get(requestId)?.answers.length ?? 0) > 0;
  };
  const subscribe: Tab['subscribe'] = (line, conversation, from, state) => {
    const place = goesOn(line, conversation) ? placeOf(holding(conversation), from) : beginning;
    const follower = line.follower(conversation);
    return ask(line, 'subscribe', { conversation_id: conversation, ...place.cursor, state }, (answer) => {
      if (answer.status === 'result') follower.subscribed(place, answer.result);
      else holding(conversation).wantsToFollow = false;
    });
  };
  const chat: Tab['chat'] = (line, conversation, { requestId, payload, streaming, withCursor }) => {
    const held = holding(conversation);
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
    const place = goesOn(line, conversation) && withCursor ? placeInTurn(held, turn) : beginning;
    const own = line.follower(conversation).chat(turn, place);
    const before = answersTo(own);
    line.chat(requestId, {
      ...payload,
      conversation_id: conversation,
      streaming,
      ...(withCursor ? { cursor: place.cursor } : {}),
    });
    return () => answersTo(own) > before;
  };

  return {
    name,
    holdings,
    get line() {
      return lines.at(-1) ?? null;
    },
    lines,
    async connect() {
      const present = lines.at(-1);
      if (present?.isOpen) return present;
      const line = await openLine(url(), {
        holding,
        complain: (rule, what) => complain(rule, `${name}: ${what}`),
        mayBeHungUpOn,
        heard,
      });
      lines.push(line);
      return line;
    },
    chat,
    subscribe,
    unsubscribe: (line, conversation) =>
      ask(line, 'unsubscribe', { conversation_id: conversation }, () => line.follower(conversation).unsubscribed()),
    ask,
    resume(line) {
      return [...holdings].flatMap(([conversation, { turns, wantsToFollow }]) => [
        ...(wantsToFollow ? [subscribe(line, conversation, 'here', true)] : []),
        ...[...turns.values()]
          .filter(({ end }) => end === null)
          .map(({ requestId, payload }) =>
            chat(line, conversation, { requestId, payload, streaming: true, withCursor: true }),
          ),
      ]);
    },
  };
}

function answersTo({ accepted, refused }: FollowedTurn): number {
  return accepted + refused;
}
