/**
 * Reads the events of a streamed answer of the Messages API, or a whole message of a server that cannot stream.
 * Source: https://platform.claude.com/docs/en/build-with-claude/streaming
 */
import { isObject, textOf, type JsonObject } from '../../../json.ts';
import type { AnswerSink } from '../../port.ts';
import type { Accumulator, StreamedAnswer } from '../../stream/accumulator.ts';
import { createCallArguments, type CallArguments } from '../../stream/call-arguments.ts';
import type { ReasoningTagMode } from '../../stream/reasoning-tags.ts';
import { finishReasonOf, type FinishReason } from '../../stream/finish-reason.ts';
import { createEventReader, type Draft, type EventHandler } from '../event-reader.ts';
import type { NativeItem } from '../native-reasoning.ts';
import type { Asked } from '../wire-api.ts';
import { readMessagesUsage } from './usage.ts';

/** Far above what models write. A provider that loops must not fill the memory. */
const MAX_BLOCKS = 256;

/** A block of the answer, in its order. */
type Block =
  | { kind: 'text' }
  | { kind: 'call'; name: string; whole: string | null; arguments: CallArguments }
  | { kind: 'thinking'; item: { type: string; thinking: string; signature: string } }
  | { kind: 'redacted'; item: JsonObject };

export function createMessagesReader(sink: AnswerSink, tagMode: ReasoningTagMode, asked: Asked): Accumulator {
  return createEventReader(sink, tagMode, (draft) => createHandler(draft, asked));
}

function createHandler(draft: Draft, asked: Asked): EventHandler {
  const blocks = new Map<unknown, Block>();
  let usage: JsonObject = {};
  let model: string | null = null;

  function begin(index: unknown, block: JsonObject): void {
    const made = blockOf(block);
    if (made.kind === 'text') draft.text(textOf(block['text']));
    if (made.kind === 'thinking') {
      // Another thought.
      if (draft.hasReasoning) draft.reasoning('\n\n');
      draft.reasoning(textOf(block['thinking']));
    }
    if (made.kind === 'call' || made.kind === 'redacted') draft.grew(JSON.stringify(block).length);
    blocks.set(index, made);
    if (blocks.size > MAX_BLOCKS) draft.overflow();
  }

  function extend(block: Block | undefined, delta: JsonObject): void {
    const text = textOf(delta['text']);
    const thinking = textOf(delta['thinking']);
    if (delta['type'] === 'text_delta') draft.text(text);
    if (delta['type'] === 'thinking_delta') draft.reasoning(thinking);
    if (block?.kind === 'thinking') {
      block.item.thinking += thinking ?? '';
      block.item.signature += textOf(delta['signature']) ?? '';
    }
    if (block?.kind === 'call' && delta['type'] === 'input_json_delta') {
      const piece = textOf(delta['partial_json']) ?? '';
      draft.grew(piece.length);
      block.arguments.add(piece);
    }
  }

  function end(delta: JsonObject): void {
    const reason = textOf(delta['stop_reason']);
    if (reason === null) return;
    const known = finishReasonOf(reason);
    if (known === null) draft.unfinished(reason);
    else draft.finish(known);
  }

  function note(message: JsonObject): void {
    model ??= textOf(message['model']);
    // The counts of the end are sums, and lack those of the cache.
    if (isObject(message['usage'])) usage = { ...usage, ...message['usage'] };
  }

  return {
    read(event) {
      switch (event['type']) {
        case 'message_start':
          return isObject(event['message']) ? note(event['message']) : undefined;
        case 'content_block_start':
          return isObject(event['content_block']) ? begin(event['index'], event['content_block']) : undefined;
        case 'content_block_delta':
          return isObject(event['delta']) ? extend(blocks.get(event['index']), event['delta']) : undefined;
        case 'message_delta':
          note(event);
          return isObject(event['delta']) ? end(event['delta']) : undefined;
        case 'message':
          note(event);
          if (Array.isArray(event['content']))
            event['content'].forEach((block, at) => isObject(block) && begin(at, block));
          return end(event);
        default:
          return undefined;
      }
    },
    answer: (finishReason) => ({
      ...answerOf([...blocks.values()], finishReason, asked),
      usage: readMessagesUsage(usage),
      model,
    }),
  };
}

function blockOf(block: JsonObject): Block {
  switch (block['type']) {
    case 'tool_use': {
      const input =
        isObject(block['input']) && Object.keys(block['input']).length > 0 ? JSON.stringify(block['input']) : null;
      return { kind: 'call', name: textOf(block['name']) ?? '', whole: input, arguments: createCallArguments() };
    }
    case 'thinking':
      return {
        kind: 'thinking',
        item: {
          type: 'thinking',
          thinking: textOf(block['thinking']) ?? '',
          signature: textOf(block['signature']) ?? '',
        },
      };
    case 'redacted_thinking':
      return { kind: 'redacted', item: { type: 'redacted_thinking', data: block['data'] } };
    default:
      return { kind: 'text' };
  }
}

function answerOf(
  blocks: readonly Block[],
  finish: FinishReason,
  { provider, model }: Asked,
): Pick<StreamedAnswer, 'finishReason' | 'toolCalls' | 'signatures'> {
  // A call of an answer that was cut may be half of one.
  const isWhole = finish === 'stop' || finish === 'tool_calls';
  const toolCalls: { name: string; arguments: string }[] = [];
  const items: NativeItem[] = [];
  for (const block of isWhole ? blocks : []) {
    if (block.kind === 'call') toolCalls.push({ name: block.name, arguments: block.whole ?? block.arguments.text() });
    // Without its signature the API rejects a thought.
    else if (block.kind === 'redacted' || (block.kind === 'thinking' && block.item.signature !== ''))
      items.push({ before: toolCalls.length, item: { ...block.item } });
  }
  const needed = items.filter(({ before }) => before < toolCalls.length);
  return {
    finishReason: isWhole ? (toolCalls.length > 0 ? 'tool_calls' : 'stop') : finish,
    toolCalls,
    signatures: needed.length === 0 ? null : { native: { api: 'messages', provider, model, items: needed } },
  };
}
