/**
 * Reads the chunks of one streamed answer: passes text and reasoning on, collects tool calls, usage and the end, and detects
 * invalid chunks. No I/O and no time; `client.ts` calls it. The hot path is `read`: one JSON.parse per chunk, and no
 * allocation that lives longer.
 */
import type { Usage } from '../../../machines/log.ts';
import { signaturesOf, type Signatures } from '../pass-back-reasoning.ts';
import { isObject, parseJson, textOf, type JsonObject } from '../../json.ts';
import type { AnswerSink } from '../port.ts';
import { errorOf, messageIn } from './provider-error.ts';
import { createReasoningDetails, type ReasoningDetails } from './reasoning-details.ts';
import { createToolCallAssembly, type ToolCallAssembly } from './tool-calls.ts';
import { readUsage } from './usage.ts';

/** Why the rest of a stream is ignored. */
export type StreamError =
  /** The provider reported an error inside the stream. */
  | { kind: 'error'; error: JsonObject | string }
  /** A data line that is not a chunk. */
  | { kind: 'malformed'; sample: string }
  /** More than any answer may hold. */
  | { kind: 'oversized' };

export type FinishReason = 'stop' | 'length' | 'content_filter' | 'tool_calls';

export interface Accumulator {
  /** Reads the data of one event. False: the rest is not needed (`[DONE]`, or an error). */
  read(data: string): boolean;
  readonly error: StreamError | null;
  /** Valid data lines so far, `[DONE]` included. */
  readonly chunks: number;
  /** The answer. Null if no finish_reason has come: then the stream was cut. */
  answer(): StreamedAnswer | null;
}

export interface StreamedAnswer {
  finishReason: FinishReason;
  toolCalls: { name: string; arguments: string }[];
  /** Null: none to pass back. */
  signatures: Signatures | null;
  usage: Usage | null;
  /** Null: no chunk names it. */
  model: string | null;
}

/** A few hundred times a long answer. Beyond it the provider loops. */
const maxAnswerChars = 16 * 1024 * 1024;

/** One for each stream. `read` calls the sink, and throws only what the sink throws. An invalid stream sets `error`. */
export function createAccumulator(sink: AnswerSink): Accumulator {
  let chunks = 0;
  let chars = 0;
  let finish: FinishReason | null = null;
  let fault: StreamError | null = null;
  let usage: unknown = null;
  let model: string | null = null;
  let tools: ToolCallAssembly | null = null;
  let details: ReasoningDetails | null = null;

  function fail(reason: StreamError): false {
    // An error after the end of the answer does not invalidate the answer.
    if (finish === null) fault = reason;
    return false;
  }

  function readDelta(delta: JsonObject): boolean {
    // Servers that send reasoning under two names send the same text.
    addReasoning(textOf(delta['reasoning_content']) ?? textOf(delta['reasoning']) ?? textOf(delta['thinking']));
    if (Array.isArray(delta['reasoning_details'])) {
      details ??= createReasoningDetails();
      chars += details.add(delta['reasoning_details']);
    }
    const content = delta['content'];
    if (Array.isArray(content)) content.forEach(readPart);
    else addText(textOf(content));
    addText(textOf(delta['refusal']));
    const asked = Array.isArray(delta['tool_calls']) ? delta['tool_calls'] : legacyCall(delta);
    if (asked !== null && asked.length > 0) {
      tools ??= createToolCallAssembly();
      if (!tools.add(asked)) return false;
    }
    return chars <= maxAnswerChars;
  }

  function readPart(part: unknown): void {
    if (!isObject(part)) return;
    addText(textOf(part['text']));
    if (Array.isArray(part['thinking']))
      part['thinking'].forEach((thought) => isObject(thought) && addReasoning(textOf(thought['text'])));
    else addReasoning(textOf(part['thinking']));
  }

  function addText(text: string | null): void {
    if (text === null) return;
    chars += text.length;
    sink.text(text);
  }

  function addReasoning(text: string | null): void {
    if (text === null) return;
    chars += text.length;
    sink.reasoning(text);
  }

  return {
    get error() {
      return fault;
    },
    get chunks() {
      return chunks;
    },
    read(data) {
      if (data === '[DONE]') {
        chunks += 1;
        return false;
      }
      const chunk = parseJson(data);
      if (!isObject(chunk)) return fail({ kind: 'malformed', sample: data });
      chunks += 1;
      const error = errorIn(chunk);
      if (error !== null) return fail({ kind: 'error', error });

      model ??= textOf(chunk['model']);
      usage = usageIn(chunk) ?? usage;
      const choice = firstChoice(chunk['choices']);
      if (choice === null) return true;
      const delta = choice['delta'] ?? choice['message'];
      if (isObject(delta) && !readDelta(delta)) return fail({ kind: 'oversized' });
      const reason = textOf(choice['finish_reason']);
      if (reason === 'error') return fail({ kind: 'error', error: 'The answer ended in an error.' });
      // Some servers finish twice, or with every chunk: the first reason counts, and later text is kept.
      if (reason !== null) finish ??= finishReasons[reason.toLowerCase()] ?? 'stop';
      return true;
    },
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

/** The finish reasons of all providers, in lower case. Unlisted ones count as `stop`. */
const finishReasons: Readonly<Record<string, FinishReason>> = {
  length: 'length',
  max_tokens: 'length',
  model_length: 'length',
  content_filter: 'content_filter',
  safety: 'content_filter',
  refusal: 'content_filter',
  tool_calls: 'tool_calls',
  tool_use: 'tool_calls',
  function_call: 'tool_calls',
};

/**
 * `{"error": ...}`, or an object without choices that is an error by itself: older vLLM's `{"object": "error"}`,
 * `{"code", "message"}` and FastAPI's `{"detail"}`.
 */
function errorIn(chunk: JsonObject): JsonObject | null {
  const error = chunk['error'];
  if (isObject(error) || textOf(error) !== null) return errorOf(chunk);
  if (chunk['object'] === 'error' || chunk['type'] === 'error') return chunk;
  if (chunk['choices'] !== undefined) return null;
  const isComplaint =
    'detail' in chunk || 'errors' in chunk || textOf(chunk['code']) !== null || isFailure(chunk['code']);
  return isComplaint && messageIn(chunk) !== '' ? chunk : null;
}

/** Some gateways send `code` 0 or 200 with a success. */
function isFailure(code: unknown): boolean {
  return typeof code === 'number' && code !== 0 && code !== 200;
}

/** Also reads Groq's own field. Ignores an empty object, which some servers send last. */
function usageIn(chunk: JsonObject): JsonObject | null {
  const ofGroq = isObject(chunk['x_groq']) ? chunk['x_groq']['usage'] : null;
  const found = chunk['usage'] ?? ofGroq;
  return isObject(found) && Object.keys(found).length > 0 ? found : null;
}

/** Only the first choice counts. Further ones (`n` in a provider's parameters) are other answers. */
function firstChoice(choices: unknown): JsonObject | null {
  if (!Array.isArray(choices)) return null;
  const choice: unknown = choices[0];
  return isObject(choice) && (choice['index'] ?? 0) === 0 ? choice : null;
}

/** `function_call`, from before parallel calls. */
function legacyCall(delta: JsonObject): readonly unknown[] | null {
  return isObject(delta['function_call']) ? [{ index: 0, function: delta['function_call'] }] : null;
}
