/**
 * Processes the frames of one conversation on one socket as a client must: by message and offset, row and turn. Reports
 * each frame that such a client could not process. The judge checks the end of a run; this checks each frame.
 */
import type { Frame } from '../../src/protocol/frames.ts';
import { excerpt, type ReportViolation } from './violation.ts';
import { followTurn, type FollowedTurn } from './followed-turn.ts';
import { emptyState, takeText, type ExpectedState, type Place, type SentTurn } from './expected-state.ts';
import { subscribe, type Subscription } from './subscription.ts';

export interface Follower {
  readonly expected: ExpectedState;
  readonly turns: ReadonlyMap<string, FollowedTurn>;
  readonly subscription: Subscription | null;
  /** Called before a chat is sent. */
  chat(turn: SentTurn, place: Place): FollowedTurn;
  /** Called with the `result` of a `subscribe`. */
  subscribed(place: Place, result: Record<string, unknown>): void;
  unsubscribed(): void;
  receive(frame: Frame): void;
}

type Of<Status extends Frame['status']> = Extract<Frame, { status: Status }>;
type TextChunk = Extract<Of<'chunk'>['chunk'], { type: 'text' | 'reasoning' }>;

export function createFollower(expected: ExpectedState, report: ReportViolation): Follower {
  const turns = new Map<string, FollowedTurn>();
  let subscription: Subscription | null = null;
  const stray = (frame: unknown) => report('stray', `unexpected frame ${excerpt(frame)}`);
  const hasRow = (messageId: string) => subscription !== null && expected.rows.some(({ id }) => id === messageId);

  const receiveText = (chunk: TextChunk, of: string, own: FollowedTurn | undefined) => {
    const { message_id: messageId, type } = chunk;
    if (hasRow(messageId) && !own) return report('repeat', `the row of a message was received, then ${excerpt(chunk)}`);
    // A turn that is followed in two ways may deliver by one way what is requested by the other.
    const isStrict = own?.isUnambiguous ?? true;
    const before = own ? own.turn.writing : expected.writing;
    // An answer of reasoning alone is complete without a chunk that says so: the model is asked again. The judge compares it.
    const isUnfinished = before !== null && before !== messageId && expected.texts.get(before)?.text !== '';
    if (isStrict && isUnfinished && expected.texts.has(before))
      report('reset', `the message ${before} was not finished, then came ${excerpt(chunk)}`);
    const held = excerpt(expected.texts.get(messageId));
    const fit = takeText(expected, messageId, type, { ...chunk, of });
    if (fit !== 'fits' && (isStrict || fit !== 'repeat'))
      report(fit, `the client has ${held}, then came ${excerpt(chunk)}`);
    own?.showText(messageId);
    if (subscription && !hasRow(messageId)) expected.writing = messageId;
    return undefined;
  };
  const receiveReset = (messageId: string) => {
    subscription?.receiveReset();
    if (hasRow(messageId)) report('reset', `the message ${messageId} has a row, and was reset`);
    expected.texts.delete(messageId);
    if (expected.writing === messageId) expected.writing = null;
    for (const own of turns.values()) own.forget(messageId);
  };
  const receiveChunk = (frame: Of<'chunk'>) => {
    const { chunk } = frame;
    const own = turns.get(frame.request_id ?? '');
    if (chunk.type === 'reset') return receiveReset(chunk.message_id);
    if (!subscription && !own?.isFollowing) return stray(frame);
    if (!own?.isAttached) subscription?.receiveLive(frame);
    if (chunk.type === 'text' || chunk.type === 'reasoning') return receiveText(chunk, frame.request_id ?? '', own);
    if (!('seq' in chunk) || typeof chunk.seq !== 'number') return undefined;
    if (!own?.isAttached) subscription?.receiveOf(chunk.seq, frame);
    own?.showRow(chunk.seq);
    return undefined;
  };
  const receiveProcessing = (frame: Of<'processing'>) => {
    const own = turns.get(frame.request_id);
    // The answer to the client's own request comes at once, also during a catch-up.
    if (own) own.accept(frame.metadata.disposition, frame.seq ?? 0);
    else if (subscription) subscription.receiveOf(frame.seq, frame);
    else stray(frame);
  };
  const receiveEnd = (frame: Of<'complete' | 'error'>) => {
    const own = turns.get(frame.request_id ?? '');
    if (frame.metadata?.replayed !== true) subscription?.receiveOf(frame.seq, frame);
    if (own?.isFollowing) own.end(frame);
    else if (!subscription) stray(frame);
  };
  /** An `error` without a row: it ends no turn, or the conversation is gone. */
  const receiveRefusal = (frame: Of<'error'>) => {
    const own = turns.get(frame.request_id ?? '');
    if (own?.isFollowing && frame.error.code === 'conversation_deleted') own.end(frame);
    else if (own) own.refuse();
    // The catch-up failed because the log is closed. The socket is about to close.
    else if (subscription && frame.request_id === null && frame.error.code === 'shutting_down') subscription = null;
    else stray(frame);
  };
  const receiveState = (frame: Of<'state'>) => {
    if (!subscription) return stray(frame);
    subscription.receiveLive(frame);
    return subscription.receiveState(frame.state.value);
  };

  return {
    expected,
    turns,
    get subscription() {
      return subscription;
    },
    chat(turn, place) {
      const own = turns.get(turn.requestId) ?? followTurn(expected, turn, report);
      turns.set(turn.requestId, own);
      if (subscription) own.markAmbiguous();
      own.ask(place);
      return own;
    },
    subscribed(place, result) {
      for (const own of turns.values()) own.markAmbiguous();
      subscription = subscribe(
        expected,
        place,
        result,
        new Set([...turns.values()].flatMap(({ turn }) => [...turn.messages])),
        report,
      );
      expected.wantsToFollow = true;
    },
    unsubscribed() {
      subscription = null;
      expected.wantsToFollow = false;
    },
    receive(frame) {
      switch (frame.status) {
        case 'event':
          return subscription ? subscription.receiveRow(frame.event) : stray(frame);
        case 'chunk':
          return receiveChunk(frame);
        case 'processing':
          return receiveProcessing(frame);
        case 'complete':
          return receiveEnd(frame);
        case 'error':
          return frame.seq === undefined && frame.metadata?.replayed !== true
            ? receiveRefusal(frame)
            : receiveEnd(frame);
        case 'state':
          return receiveState(frame);
        case 'deleted':
          for (const own of turns.values()) if (own.isFollowing) own.end(frame);
          subscription = null;
          Object.assign(expected, emptyState());
          return undefined;
        case 'result':
          return stray(frame);
      }
    },
  };
}
