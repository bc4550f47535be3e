/**
 * Reads the events of a streamed answer of the Responses API, or a whole response of a server that cannot stream. Deltas
 * bring text and reasoning; calls and reasoning items count once they are complete.
 * Source: https://platform.openai.com/docs/api-reference/responses-streaming
 */
import { isObject, textOf, type JsonObject } from '../../../json.ts';
import type { AnswerSink } from '../../port.ts';
import type { Accumulator, StreamedAnswer } from '../../stream/accumulator.ts';
import type { ReasoningTagMode } from '../../stream/reasoning-tags.ts';
import { finishReasonOf, type FinishReason } from '../../stream/finish-reason.ts';
import { createEventReader, type Draft, type EventHandler } from '../event-reader.ts';
import type { NativeItem } from '../native-reasoning.ts';
import type { Asked } from '../wire-api.ts';
import { readResponsesUsage } from './usage.ts';

/** Far above what models request. A provider that loops must not fill the memory. */
const MAX_ITEMS = 256;

export function createResponsesReader(sink: AnswerSink, tagMode: ReasoningTagMode, asked: Asked): Accumulator {
  return createEventReader(sink, tagMode, (draft) => createHandler(draft, asked));
}

function createHandler(draft: Draft, asked: Asked): EventHandler {
  /** Complete items by their place in the output. */
  const items = new Map<number, JsonObject>();
  let response: JsonObject = {};
  let parts = 0;

  function keep(at: unknown, item: unknown): void {
    if (!isObject(item)) return;
    draft.grew(JSON.stringify(item).length);
    items.set(typeof at === 'number' ? at : items.size, item);
    if (items.size > MAX_ITEMS) draft.overflow();
  }

  /** The end of the stream, or the whole of an answer that was not streamed. */
  function end(final: JsonObject): void {
    response = final;
    const output = Array.isArray(final['output']) ? final['output'].filter(isObject) : [];
    if (output.length > 0) {
      items.clear();
      output.forEach((item, at) => keep(at, item));
    }
    if (!draft.hasReasoning) output.forEach((item) => draft.reasoning(reasoningIn(item)));
    if (!draft.hasText) output.forEach((item) => draft.text(textIn(item)));
    const reason = endOf(final);
    if (reason !== null) draft.finish(reason);
    else if (isObject(final['error'])) draft.fail(final['error']);
    else draft.unfinished(causeOf(final));
  }

  return {
    read(event) {
      switch (event['type']) {
        case 'response.output_text.delta':
        case 'response.refusal.delta':
          return draft.text(textOf(event['delta']));
        case 'response.reasoning_summary_part.added':
          parts += 1;
          return draft.reasoning(parts > 1 && draft.hasReasoning ? '\n\n' : null);
        case 'response.reasoning_summary_text.delta':
        case 'response.reasoning_text.delta':
          return draft.reasoning(textOf(event['delta']));
        case 'response.function_call_arguments.delta':
          return draft.grew(0);
        case 'response.output_item.done':
          return keep(event['output_index'], event['item']);
        case 'response.completed':
        case 'response.incomplete':
        case 'response.failed':
          return end(isObject(event['response']) ? event['response'] : {});
        case undefined:
          return Array.isArray(event['output']) ? end(event) : undefined;
        default:
          return undefined;
      }
    },
    answer: (finishReason) => answerOf(inOrder(items), finishReason, response, asked),
  };
}

function inOrder(items: ReadonlyMap<number, JsonObject>): readonly JsonObject[] {
  return [...items].toSorted(([one], [other]) => one - other).map(([, item]) => item);
}

function answerOf(
  items: readonly JsonObject[],
  finish: FinishReason,
  response: JsonObject,
  { provider, model }: Asked,
): StreamedAnswer {
  // A call of an answer that was cut may be half of one.
  const isWhole = finish === 'stop';
  const toolCalls: { name: string; arguments: string }[] = [];
  const reasoning: NativeItem[] = [];
  for (const item of isWhole ? items : []) {
    if (item['type'] === 'function_call')
      toolCalls.push({ name: textOf(item['name']) ?? '', arguments: textOf(item['arguments']) ?? '{}' });
    if (item['type'] === 'reasoning') reasoning.push({ before: toolCalls.length, item: withoutStatus(item) });
  }
  // Only the reasoning that leads to a call is needed again.
  const needed = reasoning.filter(({ before }) => before < toolCalls.length);
  return {
    finishReason: isWhole && toolCalls.length > 0 ? 'tool_calls' : finish,
    toolCalls,
    signatures: needed.length === 0 ? null : { native: { api: 'responses', provider, model, items: needed } },
    usage: readResponsesUsage(response['usage']),
    model: textOf(response['model']),
  };
}

/** The status is the server's, and no part of an input item. */
function withoutStatus({ status: _status, ...item }: JsonObject): JsonObject {
  return item;
}

/** Null for a failure. */
function endOf(response: JsonObject): FinishReason | null {
  const status = textOf(response['status']) ?? 'completed';
  if (status === 'completed') return 'stop';
  const details = isObject(response['incomplete_details']) ? response['incomplete_details'] : {};
  return status === 'incomplete' ? finishReasonOf(textOf(details['reason']) ?? '') : null;
}

function causeOf(response: JsonObject): string {
  const details = isObject(response['incomplete_details']) ? textOf(response['incomplete_details']['reason']) : null;
  return details ?? textOf(response['status']) ?? 'no status';
}

function textIn(item: JsonObject): string | null {
  if (item['type'] !== 'message' || !Array.isArray(item['content'])) return null;
  return textOf(
    item['content'].map((part) => (isObject(part) ? (textOf(part['text']) ?? textOf(part['refusal'])) : '')).join(''),
  );
}

function reasoningIn(item: JsonObject): string | null {
  if (item['type'] !== 'reasoning') return null;
  const summary: readonly unknown[] = Array.isArray(item['summary']) ? item['summary'] : [];
  return textOf(summary.flatMap((part) => (isObject(part) ? (textOf(part['text']) ?? []) : [])).join('\n\n'));
}
