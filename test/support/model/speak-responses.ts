/**
 * Speaks OpenAI's Responses API as strictly as OpenAI: reads its requests as chat completions, for the scripts of tests, and
 * writes their replies as its events. Independent of Parley's code.
 * Sources: https://platform.openai.com/docs/api-reference/responses, and for orphans
 * https://community.openai.com/t/error-with-function-calling-and-reasoning-items-missing/1370222
 */
import { z } from 'zod';
import type { Part } from './replies.ts';
import { createChunkReader, type ChunkReader } from './chunk-reader.ts';
import type { AnswerWriter, Dialect, Spoken } from './spoken.ts';

const text = (type: string) => z.strictObject({ type: z.literal(type), text: z.string().min(1) });
const image = z.strictObject({
  type: z.literal('input_image'),
  image_url: z.string().regex(/^(data:image\/|https:)/),
  detail: z.enum(['auto', 'low', 'high']),
});
const given = z.union([z.string().min(1), z.array(z.union([text('input_text'), image])).min(1)]);
const callId = z.string().min(1).max(64);
const name = z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/);

const item = z.union([
  z.strictObject({ type: z.literal('message'), role: z.enum(['system', 'developer', 'user']), content: given }),
  z.strictObject({
    type: z.literal('message'),
    role: z.literal('assistant'),
    content: z.array(text('output_text')).min(1),
  }),
  z.strictObject({
    type: z.literal('reasoning'),
    id: z.string().startsWith('rs_'),
    summary: z.array(z.strictObject({ type: z.literal('summary_text'), text: z.string() })),
    encrypted_content: z.string().min(1),
  }),
  z.strictObject({ type: z.literal('function_call'), call_id: callId, name, arguments: z.string() }),
  z.strictObject({ type: z.literal('function_call_output'), call_id: callId, output: given }),
]);

const request = z.strictObject({
  model: z.string(),
  input: z.array(item).min(1),
  stream: z.literal(true),
  store: z.literal(false),
  include: z.array(z.literal('reasoning.encrypted_content')).optional(),
  prompt_cache_key: z.string().max(64).optional(),
  max_output_tokens: z.int().min(16).optional(),
  temperature: z.number().min(0).max(2).optional(),
  top_p: z.number().optional(),
  reasoning: z
    .strictObject({
      effort: z.enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max']).optional(),
      summary: z.enum(['auto', 'concise', 'detailed']).optional(),
    })
    .optional(),
  text: z
    .strictObject({ verbosity: z.enum(['low', 'medium', 'high']).optional(), format: z.looseObject({}).optional() })
    .optional(),
  parallel_tool_calls: z.boolean().optional(),
  tool_choice: z.unknown().optional(),
  tools: z
    .array(
      z.strictObject({
        type: z.literal('function'),
        name,
        description: z.string().optional(),
        parameters: z.record(z.string(), z.unknown()),
        strict: z.literal(false),
      }),
    )
    .min(1)
    .optional(),
});

type Item = z.infer<typeof item>;

/** One for each server: it knows the reasoning that it has encrypted, and for which model. */
export function createResponsesDialect(): Dialect {
  const sealed = new Map<string, string>();
  let count = 0;
  return {
    path: '/v1/responses',
    read(body) {
      const parsed = request.safeParse(body);
      if (!parsed.success) return { body: null, violations: [z.prettifyError(parsed.error)] };
      const { input, tools, model } = parsed.data;
      return {
        body: {
          model,
          stream: true,
          messages: input.flatMap(messageOf),
          ...(tools === undefined
            ? {}
            : { tools: tools.map(({ type, strict: _strict, ...tool }) => ({ type, function: tool })) }),
        },
        violations: violationsOf(input, model, sealed),
      };
    },
    answer: (model) => {
      count += 1;
      return createWriter(model, `rs_${count}`, sealed);
    },
  };
}

/** Calls of one answer are separate items here, and one message there. */
function messageOf(entry: Item, at: number, input: readonly Item[]): Spoken['messages'] {
  switch (entry.type) {
    case 'reasoning':
      return [];
    case 'function_call': {
      if (input[at - 1]?.type === 'function_call') return [];
      const end = input.findIndex((other, place) => place > at && other.type !== 'function_call');
      const calls = input.slice(at, end === -1 ? undefined : end).filter((other) => other.type === 'function_call');
      return [
        {
          role: 'assistant',
          content: null,
          tool_calls: calls.map((call) => ({
            id: call.call_id,
            type: 'function' as const,
            function: { name: call.name, arguments: call.arguments },
          })),
        },
      ];
    }
    case 'function_call_output':
      return [{ role: 'tool', tool_call_id: entry.call_id, content: plain(entry.output) }];
    case 'message':
      return [{ role: entry.role, content: plain(entry.content) }];
  }
}

function plain(content: string | readonly { type: string }[]): string | unknown[] {
  if (typeof content === 'string') return content;
  const texts = content.map((part) => ('text' in part ? String(part.text) : `[${part.type}]`));
  return texts.join('');
}

/** The rules on the order of items, and on reasoning. */
function violationsOf(input: readonly Item[], model: string, sealed: ReadonlyMap<string, string>): string[] {
  const violations: string[] = [];
  input.forEach((entry, at) => {
    if (entry.type !== 'reasoning') return;
    const next = input[at + 1];
    const follows =
      next?.type === 'reasoning' ||
      next?.type === 'function_call' ||
      (next?.type === 'message' && next.role === 'assistant');
    if (!follows)
      violations.push(`Item '${entry.id}' of type 'reasoning' was provided without its required following item.`);
    const owner = sealed.get(entry.encrypted_content);
    if (owner === undefined) violations.push(`The encrypted content of '${entry.id}' could not be verified.`);
    else if (owner !== model) violations.push(`The encrypted content of '${entry.id}' belongs to the model ${owner}.`);
  });
  return violations;
}

function event(fields: Record<string, unknown> & { type: string }): Part {
  return { play: 'bytes', text: `event: ${fields.type}\ndata: ${JSON.stringify(fields)}\n\n` };
}

/** Writes events, each where its chunk stood. */
function createWriter(model: string, id: string, sealed: Map<string, string>): AnswerWriter {
  const head = { id: `resp_${id}`, object: 'response', model };
  const created = event({ type: 'response.created', response: { ...head, status: 'in_progress', output: [] } });
  const reader = createChunkReader();
  const write = (part: Part): Part[] => {
    if (part.play !== 'bytes') return [part];
    return reader.read(part.text).flatMap((step): Part[] => {
      switch (step.kind) {
        case 'text':
          return [event({ type: 'response.output_text.delta', output_index: 1, content_index: 0, delta: step.text })];
        case 'reasoning':
          return [event({ type: 'response.reasoning_summary_text.delta', output_index: 0, delta: step.text })];
        case 'call':
          return [event({ type: 'response.function_call_arguments.delta', output_index: 2, delta: step.text })];
        case 'done':
          return endOf(reader, head, id, sealed);
        case 'other':
          return [{ play: 'bytes', text: step.text }];
      }
    });
  };
  return { head: [created], write };
}

function endOf(reader: ChunkReader, head: { model: string }, id: string, sealed: Map<string, string>): Part[] {
  const { text: said, reasoning, calls, finish, usage } = reader.whole();
  if (finish === null) return [];
  const encrypted = `${id}-sealed-for-${head.model}`;
  sealed.set(encrypted, head.model);
  const output = [
    ...(reasoning === '' && calls.length === 0
      ? []
      : [
          {
            type: 'reasoning',
            id,
            status: 'completed',
            summary: reasoning === '' ? [] : [{ type: 'summary_text', text: reasoning }],
            encrypted_content: encrypted,
          },
        ]),
    ...(said === ''
      ? []
      : [
          {
            type: 'message',
            id: `msg_${id}`,
            status: 'completed',
            role: 'assistant',
            content: [{ type: 'output_text', text: said, annotations: [] }],
          },
        ]),
    ...calls.map((call, at) => ({
      type: 'function_call',
      id: `fc_${id}_${at}`,
      call_id: `call_${id}_${at}`,
      status: 'completed',
      name: call.name,
      arguments: call.arguments,
    })),
  ];
  const reason = finish === 'length' ? 'max_output_tokens' : finish === 'content_filter' ? 'content_filter' : null;
  const response = {
    ...head,
    status: reason === null ? 'completed' : 'incomplete',
    incomplete_details: reason === null ? null : { reason },
    output,
    usage: usage && {
      input_tokens: usage['prompt_tokens'],
      output_tokens: usage['completion_tokens'],
      total_tokens: usage['total_tokens'],
      input_tokens_details: usage['prompt_tokens_details'] ?? { cached_tokens: 0 },
      output_tokens_details: usage['completion_tokens_details'] ?? { reasoning_tokens: 0 },
    },
  };
  return [
    ...output.map((done, at) => event({ type: 'response.output_item.done', output_index: at, item: done })),
    event({ type: `response.${response.status}`, response }),
  ];
}
