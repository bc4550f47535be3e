/**
 * Speaks Anthropic's Messages API as strictly as Anthropic: reads its requests as chat completions, for the scripts of tests,
 * and writes their replies as its events. Independent of Parley's code.
 * Sources: https://platform.claude.com/docs/en/api/messages,
 * https://platform.claude.com/docs/en/build-with-claude/extended-thinking
 */
import { z } from 'zod';
import { createChunkReader, type ChunkReader } from './chunk-reader.ts';
import type { Part } from './replies.ts';
import type { AnswerWriter, Dialect, Spoken } from './spoken.ts';

const cache_control = z.strictObject({ type: z.literal('ephemeral'), ttl: z.enum(['5m', '1h']).optional() }).optional();
const text = z.strictObject({ type: z.literal('text'), text: z.string().regex(/\S/), cache_control });
const image = z.strictObject({
  type: z.literal('image'),
  source: z.strictObject({
    type: z.literal('base64'),
    media_type: z.enum(['image/png', 'image/jpeg', 'image/gif', 'image/webp']),
    data: z.base64(),
  }),
  cache_control,
});
const name = z.string().regex(/^[a-zA-Z0-9_-]{1,128}$/);
const id = z.string().regex(/^[a-zA-Z0-9_-]+$/);

const userBlock = z.discriminatedUnion('type', [
  text,
  image,
  z.strictObject({
    type: z.literal('tool_result'),
    tool_use_id: id,
    content: z.array(z.union([text, image])),
    is_error: z.boolean().optional(),
    cache_control,
  }),
]);
const assistantBlock = z.discriminatedUnion('type', [
  text,
  z.strictObject({ type: z.literal('tool_use'), id, name, input: z.record(z.string(), z.unknown()), cache_control }),
  z.strictObject({ type: z.literal('thinking'), thinking: z.string(), signature: z.string().min(1) }),
  z.strictObject({ type: z.literal('redacted_thinking'), data: z.string().min(1) }),
]);
const message = z.discriminatedUnion('role', [
  z.strictObject({ role: z.literal('user'), content: z.array(userBlock).min(1) }),
  z.strictObject({ role: z.literal('assistant'), content: z.array(assistantBlock).min(1) }),
]);

const request = z.strictObject({
  model: z.string(),
  max_tokens: z.int().min(1),
  messages: z.array(message).min(1),
  system: z.array(text).min(1).optional(),
  stream: z.literal(true),
  temperature: z.number().min(0).max(1).optional(),
  top_p: z.number().optional(),
  top_k: z.number().optional(),
  stop_sequences: z.array(z.string()).optional(),
  metadata: z.strictObject({ user_id: z.string() }).optional(),
  thinking: z.looseObject({ type: z.enum(['adaptive', 'enabled', 'disabled']) }).optional(),
  output_config: z
    .strictObject({
      effort: z.enum(['low', 'medium', 'high', 'xhigh', 'max']).optional(),
      format: z.unknown().optional(),
    })
    .optional(),
  tool_choice: z.looseObject({ type: z.enum(['auto', 'any', 'tool', 'none']) }).optional(),
  tools: z
    .array(
      z.strictObject({
        name,
        description: z.string().optional(),
        input_schema: z.looseObject({ type: z.literal('object') }),
        cache_control,
      }),
    )
    .optional(),
});

type Message = z.infer<typeof message>;
/** The API refuses a fifth. */
const MAX_MARKERS = 4;

/** One for each server: it knows the thinking that it has signed, and for which model. */
export function createMessagesDialect(): Dialect {
  const signed = new Map<string, string>();
  let count = 0;
  return {
    path: '/v1/messages',
    read(body) {
      const parsed = request.safeParse(body);
      if (!parsed.success) return { body: null, violations: [z.prettifyError(parsed.error)] };
      const { messages, system = [], tools, model } = parsed.data;
      return {
        body: {
          model,
          stream: true,
          messages: [
            ...system.map((block) => ({ role: 'system', content: block.text })),
            ...messages.flatMap(chatMessages),
          ],
          ...(tools === undefined
            ? {}
            : {
                tools: tools.map(({ input_schema, cache_control: _marker, ...tool }) => ({
                  type: 'function' as const,
                  function: { ...tool, parameters: input_schema },
                })),
              }),
        },
        violations: [...violationsOf(messages, model, signed), ...markersOf(body)],
      };
    },
    answer: (model) => {
      count += 1;
      return createWriter(model, `${count}`, signed);
    },
  };
}

function chatMessages({ role, content }: Message): Spoken['messages'] {
  const texts = content.flatMap((block) =>
    block.type === 'text' ? [block.text] : block.type === 'image' ? ['[image]'] : [],
  );
  const said = texts.join('');
  if (role === 'assistant') {
    const calls = content.flatMap((block) =>
      block.type === 'tool_use'
        ? [
            {
              id: block.id,
              type: 'function' as const,
              function: { name: block.name, arguments: JSON.stringify(block.input) },
            },
          ]
        : [],
    );
    return [{ role, content: said === '' ? null : said, ...(calls.length === 0 ? {} : { tool_calls: calls }) }];
  }
  const results = content.flatMap((block) =>
    block.type === 'tool_result'
      ? [
          {
            role: 'tool',
            tool_call_id: block.tool_use_id,
            content: block.content.map((part) => (part.type === 'text' ? part.text : '[image]')).join(''),
          },
        ]
      : [],
  );
  return [...results, ...(said === '' ? [] : [{ role, content: said }])];
}

/** The rules on roles, on the order of blocks, and on thinking. */
function violationsOf(messages: readonly Message[], model: string, signed: ReadonlyMap<string, string>): string[] {
  const violations: string[] = [];
  messages.forEach((message, at) => {
    if (message.role !== (at % 2 === 0 ? 'user' : 'assistant')) violations.push(`messages.${at}: roles must alternate`);
    if (message.role === 'user') {
      const first = message.content.findIndex(({ type }) => type !== 'tool_result');
      const isMixed = first !== -1 && message.content.slice(first).some(({ type }) => type === 'tool_result');
      if (isMixed) violations.push(`messages.${at}: tool_result blocks must come first`);
      return;
    }
    const thinking = message.content.filter((block) => block.type === 'thinking' || block.type === 'redacted_thinking');
    for (const block of thinking) {
      const seal = block.type === 'thinking' ? `${block.signature}${block.thinking}` : block.data;
      const owner = signed.get(seal);
      if (owner === undefined) violations.push(`messages.${at}: Invalid \`signature\` in \`thinking\` block`);
      else if (owner !== model) violations.push(`messages.${at}: thinking of the model ${owner}`);
    }
    const last = message.content.at(-1)?.type;
    if (last === 'thinking' || last === 'redacted_thinking')
      violations.push(`messages.${at}: The final block in an assistant message cannot be \`thinking\`.`);
  });
  return violations;
}

function markersOf(body: unknown): string[] {
  const markers = JSON.stringify(body).match(/"cache_control":/g)?.length ?? 0;
  return markers > MAX_MARKERS ? [`A maximum of 4 blocks with cache_control may be provided. Found ${markers}.`] : [];
}

function event(fields: Record<string, unknown> & { type: string }): Part {
  return { play: 'bytes', text: `event: ${fields.type}\ndata: ${JSON.stringify(fields)}\n\n` };
}

/** Blocks of an answer, each begun once. */
const places = { reasoning: 0, text: 1, call: 2 } as const;

/** Writes events, each where its chunk stood. Calls come whole, at the end. */
function createWriter(model: string, id: string, signed: Map<string, string>): AnswerWriter {
  const start = event({
    type: 'message_start',
    message: {
      id: `msg_${id}`,
      type: 'message',
      role: 'assistant',
      model,
      content: [],
      stop_reason: null,
      usage: { input_tokens: 11, cache_read_input_tokens: 0, cache_creation_input_tokens: 0, output_tokens: 1 },
    },
  });
  const begun = new Set<number>();
  const begin = (index: number, content_block: Record<string, unknown>): Part[] => {
    if (begun.has(index)) return [];
    begun.add(index);
    return [event({ type: 'content_block_start', index, content_block })];
  };
  const reader = createChunkReader();
  const write = (part: Part): Part[] => {
    if (part.play !== 'bytes') return [part];
    return reader.read(part.text).flatMap((step): Part[] => {
      switch (step.kind) {
        case 'reasoning':
          return [
            ...begin(places.reasoning, { type: 'thinking', thinking: '', signature: '' }),
            event({
              type: 'content_block_delta',
              index: places.reasoning,
              delta: { type: 'thinking_delta', thinking: step.text },
            }),
          ];
        case 'text':
          return [
            ...begin(places.text, { type: 'text', text: '' }),
            event({ type: 'content_block_delta', index: places.text, delta: { type: 'text_delta', text: step.text } }),
          ];
        case 'call':
          return [event({ type: 'ping' })];
        case 'done':
          return endOf(reader, model, id, signed);
        case 'other':
          return [{ play: 'bytes', text: step.text }];
      }
    });
  };
  return { head: [start], write };
}

function endOf(reader: ChunkReader, model: string, id: string, signed: Map<string, string>): Part[] {
  const { reasoning, calls, finish, usage } = reader.whole();
  if (finish === null) return [];
  const stops: Record<string, string> = { tool_calls: 'tool_use', length: 'max_tokens', content_filter: 'refusal' };
  const signature = `signed-${id}-for-${model}`;
  const sealed = `sealed-${id}-for-${model}`;
  signed.set(`${signature}${reasoning}`, model);
  signed.set(sealed, model);
  const signing =
    reasoning === ''
      ? []
      : [
          event({
            type: 'content_block_delta',
            index: places.reasoning,
            delta: { type: 'signature_delta', signature },
          }),
          event({ type: 'content_block_stop', index: places.reasoning }),
        ];
  // Hidden thinking before calls, where the script has none that is shown.
  const hidden =
    reasoning === '' && calls.length > 0
      ? [
          event({
            type: 'content_block_start',
            index: places.call,
            content_block: { type: 'redacted_thinking', data: sealed },
          }),
        ]
      : [];
  const asked = calls.flatMap((call, at) => {
    const index = places.call + 1 + at;
    return [
      event({
        type: 'content_block_start',
        index,
        content_block: { type: 'tool_use', id: `toolu_${id}_${at}`, name: call.name, input: {} },
      }),
      event({
        type: 'content_block_delta',
        index,
        delta: { type: 'input_json_delta', partial_json: call.arguments },
      }),
      event({ type: 'content_block_stop', index }),
    ];
  });
  return [
    ...signing,
    ...hidden,
    ...asked,
    event({
      type: 'message_delta',
      delta: { stop_reason: stops[finish] ?? 'end_turn', stop_sequence: null },
      usage: { output_tokens: usage?.['completion_tokens'] ?? 7 },
    }),
    event({ type: 'message_stop' }),
  ];
}
