/**
 * One socket's ear for one conversation: takes in what comes as a client must, by message and offset, row and turn, and
 * complains of whatever such a client could not make sense of. The judge looks at the end; this, at each frame.
 */
import type { Frame } from '../../src/protocol/frames.ts';
import { tell, type Complain } from './complaint.ts';
import { followTurn, type FollowedTurn } from './followed-turn.ts';
import { emptied, type Holding, type Place, type SentTurn } from './holding.ts';
import { subscribe, type Subscription } from './subscription.ts';
import { takeText } from './take-text.ts';

export interface Follower {
  readonly holding: Holding;
  readonly turns: ReadonlyMap<string, FollowedTurn>;
  readonly subscription: Subscription | null;
  /** A chat is about to be sent. */
  chat(turn: SentTurn, place: Place): FollowedTurn;
  /** The `result` of a `subscribe` has come. */
  subscribed(place: Place, result: Record<string, unknown>): void;
  unsubscribed(): void;
  hear(frame: Frame): void;
}

type Of<Status extends Frame['status']> = Extract<Frame, { status: Status }>;
type TextChunk = Extract<Of<'chunk'>['chunk'], { type: 'text' | 'reasoning' }>;

export function createFollower(holding: Holding, complain: Complain): Follower {
  const turns = new Map<string, FollowedTurn>();
  let subscription: Subscription | null = null;
  const stray = (frame: unknown) => complain('stray', `nobody asked for ${tell(frame)}`);
  const hasRow = (messageId: string) => subscription !== null && holding.rows.some(({ id }) => id === messageId);

  const hearText = (chunk: TextChunk, of: string, own: FollowedTurn | undefined) => {
    const { message_id: messageId, type } = chunk;
    if (hasRow(messageId) && !own)
      return complain('repeat', `the row of a message was shown, and there came ${tell(chunk)}`);
    // Of a turn that is followed in two ways, what is asked for in one may be there by the other.
    const isStrict = own?.isPlain ?? true;
    const before = own ? own.turn.writing : holding.writing;
    if (isStrict && before !== null && before !== messageId && holding.texts.has(before))
      complain('reset', `nothing became of the message ${before}, and there came ${tell(chunk)}`);
    const held = tell(holding.texts.get(messageId));
    const fit = takeText(holding, messageId, type, { ...chunk, of });
    if (fit !== 'fits' && (isStrict || fit !== 'repeat'))
      complain(fit, `${held} is held, and there came ${tell(chunk)}`);
    own?.showText(messageId);
    if (subscription && !hasRow(messageId)) holding.writing = messageId;
    return undefined;
  };
  const hearReset = (messageId: string) => {
    subscription?.hearReset();
    if (hasRow(messageId)) complain('reset', `the message ${messageId} has a row, and is to be forgotten`);
    holding.texts.delete(messageId);
    if (holding.writing === messageId) holding.writing = null;
    for (const own of turns.values()) own.forget(messageId);
  };
  const hearChunk = (frame: Of<'chunk'>) => {
    const { chunk } = frame;
    const own = turns.get(frame.request_id ?? '');
    if (chunk.type === 'reset') return hearReset(chunk.message_id);
    if (!subscription && !own?.isFollowing) return stray(frame);
    if (!own?.isAttached) subscription?.hearLive(frame);
    if (chunk.type === 'text' || chunk.type === 'reasoning') return hearText(chunk, frame.request_id ?? '', own);
    if (!('seq' in chunk) || typeof chunk.seq !== 'number') return undefined;
    if (!own?.isAttached) subscription?.hearOf(chunk.seq, frame);
    own?.showRow(chunk.seq);
    return undefined;
  };
  const hearProcessing = (frame: Of<'processing'>) => {
    const own = turns.get(frame.request_id);
    // The answer to a request of one's own comes at once, whatever is being caught up on.
    if (own) own.accept(frame.metadata.disposition, frame.seq ?? 0);
    else if (subscription) subscription.hearOf(frame.seq, frame);
    else stray(frame);
  };
  const hearEnd = (frame: Of<'complete' | 'error'>) => {
    const own = turns.get(frame.request_id ?? '');
    if (frame.metadata?.replayed !== true) subscription?.hearOf(frame.seq, frame);
    if (own?.isFollowing) own.end(frame);
    else if (!subscription) stray(frame);
  };
  /** An `error` that ends no turn that has a row for its end. */
  const hearRefusal = (frame: Of<'error'>) => {
    const own = turns.get(frame.request_id ?? '');
    if (own?.isFollowing && frame.error.code === 'conversation_deleted') own.end(frame);
    else if (own) own.refuse();
    // What was being caught up on could not be read any more; the socket is about to close.
    else if (subscription && frame.request_id === null && frame.error.code === 'shutting_down') subscription = null;
    else stray(frame);
  };
  const hearState = (frame: Of<'state'>) => {
    if (!subscription) return stray(frame);
    subscription.hearLive(frame);
    return subscription.hearState(frame.state.value);
  };

  return {
    holding,
    turns,
    get subscription() {
      return subscription;
    },
    chat(turn, place) {
      const own = turns.get(turn.requestId) ?? followTurn(holding, turn, complain);
      turns.set(turn.requestId, own);
      if (subscription) own.mix();
      own.ask(place);
      return own;
    },
    subscribed(place, result) {
      for (const own of turns.values()) own.mix();
      subscription = subscribe(
        holding,
        place,
        result,
        new Set([...turns.values()].flatMap(({ turn }) => [...turn.messages])),
        complain,
      );
      holding.wantsToFollow = true;
    },
    unsubscribed() {
      subscription = null;
      holding.wantsToFollow = false;
    },
    hear(frame) {
      switch (frame.status) {
        case 'event':
          return subscription ? subscription.hearRow(frame.event) : stray(frame);
        case 'chunk':
          return hearChunk(frame);
        case 'processing':
          return hearProcessing(frame);
        case 'complete':
          return hearEnd(frame);
        case 'error':
          return frame.seq === undefined && frame.metadata?.replayed !== true ? hearRefusal(frame) : hearEnd(frame);
        case 'state':
          return hearState(frame);
        case 'deleted':
          for (const own of turns.values()) if (own.isFollowing) own.end(frame);
          subscription = null;
          Object.assign(holding, emptied());
          return undefined;
        case 'result':
          return stray(frame);
      }
    },
  };
}
