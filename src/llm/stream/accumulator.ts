/**
 * Reads the chunks of one streamed answer: passes text and reasoning on, collects tool calls, usage and the end, and detects
 * invalid chunks. No I/O and no time; `client.ts` calls it. The hot path is `read`: one JSON.parse per chunk, and no
 * allocation that lives longer.
 */
import { signaturesOf } from '../pass-back-reasoning.ts';
import { isObject, parseJson, textOf, type JsonObject } from '../../json.ts';
import type { AnswerSink, FinishedAnswer } from '../port.ts';
import { callsIn, pieceOfText, reasoningIn, wordsIn } from './delta-fields.ts';
import { errorIn } from './chunk-error.ts';
import { createReasoningTags, type ReasoningTagMode } from './reasoning-tags.ts';
import { finishReasonOf, type FinishReason } from './finish-reason.ts';
import { imageText } from './images.ts';
import { createReasoningDetails, type ReasoningDetails } from './reasoning-details.ts';
import { createToolCallAssembly, type ToolCallAssembly } from './tool-calls.ts';
import { readUsage } from './usage.ts';

/** Why the rest of a stream is ignored. */
export type StreamError =
  /** The provider reported an error inside the stream. */
  | { kind: 'error'; error: JsonObject | string }
  /** A finish reason that is no success. */
  | { kind: 'unfinished'; reason: string }
  /** A data line that is not a chunk. */
  | { kind: 'malformed'; sample: string }
  /** More than any answer may hold. */
  | { kind: 'oversized' };

/** The state of one answer. */
export interface Accumulator {
  /** Reads the data of one event. False: the rest is not needed (`[DONE]`, or an error). */
  read(data: string): boolean;
  readonly error: StreamError | null;
  /** Valid data lines so far, `[DONE]` included. */
  readonly chunks: number;
  /** Grows with each text, reasoning and piece of a tool call, and with nothing else. */
  readonly progress: number;
  /** True once the finish reason has come. */
  readonly isFinished: boolean;
  /** The provider has sent more at once than any chunk holds. */
  overflow(): void;
  /** Passes on what was held back for a tag. Call it once, after the last `read`. */
  end(): void;
  /** The answer. Null if no finish_reason has come: then the stream was cut. */
  answer(): StreamedAnswer | null;
}

/** A complete answer. `model` is null if no chunk names it. */
export type StreamedAnswer = Omit<FinishedAnswer, 'status' | 'model'> & { model: string | null };

/** A few hundred times a long answer. Beyond it the provider loops. */
export const MAX_ANSWER_CHARS = 16 * 1024 * 1024;

/** One for each stream. `read` calls the sink, and throws only what the sink throws. An invalid stream sets `error`. */
export function createAccumulator(sink: AnswerSink, tagMode: ReasoningTagMode): Accumulator {
  let chunks = 0;
  let progress = 0;
  let hasReasoning = false;
  /** Index of the choice with the text, and of the one with the tool calls. */
  let answerChoice: number | null = null;
  let callChoice: number | null = null;
  let chars = 0;
  let hasText = false;
  let isAfterImage = false;
  let finish: FinishReason | null = null;
  let fault: StreamError | null = null;
  let usage: unknown = null;
  let model: string | null = null;
  let tools: ToolCallAssembly | null = null;
  let details: ReasoningDetails | null = null;
  const content = createReasoningTags(tagMode, sink);
  /** The first data line that is no chunk: a heartbeat, or the reason why no answer comes. */
  let malformed: StreamError | null = null;

  function fail(reason: StreamError): false {
    // An error after the end of the answer does not invalidate the answer.
    if (finish === null) fault = reason;
    return false;
  }

  function readDelta(delta: JsonObject): boolean {
    const reasoning = reasoningIn(delta);
    hasReasoning ||= reasoning !== null;
    addReasoning(reasoning);
    if (Array.isArray(delta['reasoning_details'])) {
      // Servers that send reasoning as text too send the same text.
      if (!hasReasoning) addReasoning(wordsIn(delta['reasoning_details']));
      details ??= createReasoningDetails();
      progress += 1;
      chars += details.add(delta['reasoning_details']);
    }
    const { content: said } = delta;
    if (Array.isArray(said)) said.forEach(readPart);
    else readPart(said);
    addText(textOf(delta['refusal']));
    if (Array.isArray(delta['images'])) delta['images'].forEach(addImage);
    // The words of an answer in sound.
    if (isObject(delta['audio'])) addText(textOf(delta['audio']['transcript']));
    const asked = callsIn(delta);
    if (asked.length > 0) {
      tools ??= createToolCallAssembly();
      progress += 1;
      if (!tools.add(asked)) return false;
    }
    return chars <= MAX_ANSWER_CHARS;
  }

  /**
   * The part of a choice that belongs to the answer. Null if none does: only one answer is asked for, so further choices
   * (`n` among the provider's parameters) are left out. Copilot puts the calls of an answer into a choice of their own.
   */
  function relevantPart(choice: JsonObject): JsonObject | null {
    const index = typeof choice['index'] === 'number' ? choice['index'] : 0;
    answerChoice ??= index;
    const { delta, message } = choice;
    const isWhole = !isObject(delta) || (Object.keys(delta).length === 0 && isObject(message));
    // `text` is that of the completions before chat.
    const part = isWhole ? (message ?? pieceOfText(choice)) : delta;
    // A gateway may send the whole message after its pieces.
    if (!isObject(part) || (part === message && progress > 0)) return index === answerChoice ? {} : null;
    const asks = callsIn(part).length > 0;
    if (asks) callChoice ??= index;
    if (index === answerChoice) return asks && callChoice !== index ? { ...part, tool_calls: [] } : part;
    return asks && callChoice === index ? { tool_calls: part['tool_calls'] } : null;
  }

  /** The content, or a part of it. */
  function readPart(part: unknown): void {
    if (!isObject(part)) return addText(textOf(part));
    addText(textOf(part['text']));
    addImage(part);
    addReasoning(wordsIn(part['thinking']));
  }

  function addText(text: string | null): void {
    if (text === null) return;
    chars += text.length;
    progress += 1;
    content.add(isAfterImage ? `\n\n${text}` : text);
    [hasText, isAfterImage] = [true, false];
  }

  /** An image is a paragraph of its own. */
  function addImage(value: unknown): void {
    const image = imageText(value);
    if (image === null) return;
    chars += image.chars;
    isAfterImage = hasText;
    addText(image.text);
    isAfterImage = true;
  }

  function addReasoning(text: string | null): void {
    if (text === null) return;
    chars += text.length;
    progress += 1;
    sink.reasoning(text);
  }

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
        // Servers without a finish reason end the answer with this alone.
        if (progress > 0) finish ??= 'stop';
        return false;
      }
      const chunk = parseJson(data);
      if (!isObject(chunk)) {
        // Half a chunk: a part of the answer is lost.
        if (data.trimStart().startsWith('{')) return fail({ kind: 'malformed', sample: data });
        // Heartbeats come in many forms: nothing, a space, `ping`, a number, `null`. The answer goes on after them.
        if (malformed === null && data.trim() !== '') malformed = { kind: 'malformed', sample: data };
        return true;
      }
      chunks += 1;
      const error = errorIn(chunk);
      if (error !== null) return fail({ kind: 'error', error });

      model ??= textOf(chunk['model']);
      usage = usageIn(chunk) ?? usage;
      const choices = Array.isArray(chunk['choices']) ? chunk['choices'].filter(isObject) : [];
      for (const choice of choices) {
        const delta = relevantPart(choice);
        if (delta === null) continue;
        if (!readDelta(delta)) return fail({ kind: 'oversized' });
        const reason = textOf(choice['finish_reason']);
        // DashScope writes `null` as a word.
        if (reason === null || reason === 'null') continue;
        const known = finishReasonOf(reason);
        if (known === null) return fail({ kind: 'unfinished', reason });
        // Some servers finish twice, or with every chunk: the first reason counts, and later text is kept.
        finish ??= known;
      }
      return true;
    },
    overflow: () => void fail({ kind: 'oversized' }),
    end: () => content.end(),
    answer() {
      if (finish === null) return null;
      // A partial call is not run: an answer that was cut has no calls.
      const whole = finish === 'stop' || finish === 'tool_calls';
      const toolCalls = whole && tools !== null ? tools.calls() : [];
      const finishReason = whole ? (toolCalls.length > 0 ? 'tool_calls' : 'stop') : finish;
      const signatures = toolCalls.length === 0 ? null : signaturesOf(details?.details() ?? [], tools?.extras() ?? []);
      return { finishReason, toolCalls, signatures, usage: readUsage(usage), model };
    },
  };
}

/** Also reads Groq's own field. Ignores an empty object, which some servers send last. */
function usageIn(chunk: JsonObject): JsonObject | null {
  const ofGroq = isObject(chunk['x_groq']) ? chunk['x_groq']['usage'] : null;
  const found = chunk['usage'] ?? ofGroq;
  return isObject(found) && Object.keys(found).length > 0 ? found : null;
}

/** The end of a stream. Also with spaces, in quotes or in small letters. */
export function isDone(data: string): boolean {
  return data === '[DONE]' || (data.length < 20 && /^\s*"?\[done\]"?\s*$/i.test(data));
}
