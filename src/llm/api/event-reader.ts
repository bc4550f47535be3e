/**
 * Reads the events of an answer for the protocols whose events have a type: heartbeats, half events, errors and limits. What
 * an event means is the protocol's. No I/O and no time.
 */
import { isObject, parseJson, type JsonObject } from '../../json.ts';
import type { AnswerSink } from '../port.ts';
import { createReasoningTags, type ReasoningTagMode } from '../stream/reasoning-tags.ts';
import {
  MAX_ANSWER_CHARS,
  isDone,
  type Accumulator,
  type StreamError,
  type StreamedAnswer,
} from '../stream/accumulator.ts';
import { errorIn } from '../stream/chunk-error.ts';
import type { FinishReason } from '../stream/finish-reason.ts';

/** The answer so far, for the reader of a protocol. */
export interface Draft {
  text(delta: string | null): void;
  reasoning(delta: string | null): void;
  /** Notes that `chars` of a call or of hidden reasoning have come. */
  grew(chars: number): void;
  /** The first reason counts. */
  finish(reason: FinishReason): void;
  /** Ends the reading with an error of the provider. An error after the finish is ignored. */
  fail(error: JsonObject): void;
  /** The same for an end that is no success, by its reason. */
  unfinished(reason: string): void;
  /** The same for more parts than any answer has. */
  overflow(): void;
  readonly hasText: boolean;
  readonly hasReasoning: boolean;
}

/** Reads the events of one protocol. */
export interface EventHandler {
  /** Reads one event. */
  read(event: JsonObject): void;
  /** The complete answer. Called only after a finish. */
  answer(finishReason: FinishReason): StreamedAnswer;
}

/** `read` calls the sink, and throws only what the sink throws. An invalid stream sets `error`. */
export function createEventReader(
  sink: AnswerSink,
  tagMode: ReasoningTagMode,
  create: (draft: Draft) => EventHandler,
): Accumulator {
  let chunks = 0;
  let progress = 0;
  let chars = 0;
  let hasText = false;
  let hasReasoning = false;
  let finish: FinishReason | null = null;
  let fault: StreamError | null = null;
  /** The first data line that is no event: a heartbeat, or the reason why no answer comes. */
  let malformed: StreamError | null = null;
  const content = createReasoningTags(tagMode, sink);

  const fail = (error: StreamError) => {
    if (finish === null) fault ??= error;
  };
  const grew = (added: number) => {
    progress += 1;
    chars += added;
    if (chars > MAX_ANSWER_CHARS) fail({ kind: 'oversized' });
  };
  const draft: Draft = {
    text(delta) {
      if (delta === null) return;
      grew(delta.length);
      hasText = true;
      content.add(delta);
    },
    reasoning(delta) {
      if (delta === null) return;
      grew(delta.length);
      hasReasoning = true;
      sink.reasoning(delta);
    },
    grew,
    finish(reason) {
      if (fault === null) finish ??= reason;
    },
    fail: (error) => fail({ kind: 'error', error }),
    unfinished: (reason) => fail({ kind: 'unfinished', reason }),
    overflow: () => fail({ kind: 'oversized' }),
    get hasText() {
      return hasText;
    },
    get hasReasoning() {
      return hasReasoning;
    },
  };
  const handler = create(draft);

  return {
    get error() {
      return fault ?? malformed;
    },
    get progress() {
      return progress;
    },
    get isFinished() {
      return finish !== null;
    },
    get chunks() {
      return chunks;
    },
    read(data) {
      if (isDone(data)) {
        chunks += 1;
        return false;
      }
      const event = parseJson(data);
      if (!isObject(event)) {
        // Half an event: a part of the answer is lost.
        if (data.trimStart().startsWith('{')) fail({ kind: 'malformed', sample: data });
        else if (data.trim() !== '') malformed ??= { kind: 'malformed', sample: data };
        return fault === null;
      }
      chunks += 1;
      // An event without a type may be a gateway's own error, in the form of chat completions.
      const error = event['type'] === undefined || event['type'] === 'error' ? errorIn(event) : null;
      if (error !== null) fail({ kind: 'error', error });
      else handler.read(event);
      return fault === null;
    },
    overflow: draft.overflow,
    end: () => content.end(),
    answer: () => (finish === null ? null : handler.answer(finish)),
  };
}
