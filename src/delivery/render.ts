/**
 * Renders committed rows as frames. Live delivery, attach, replay, slow readers and `streaming: false` all use this one
 * rendering, so all show the same.
 */
import { z } from 'zod';
import { isTurnEnd, type LogRow } from '../../machines/log.ts';
import { isObject } from '../json.ts';
import { imagesIn } from '../mcp/content/images.ts';
import { usageSchema } from '../protocol/usage.ts';
import { chunks, type Chunk } from '../protocol/chunks.ts';
import { faultSchema, turnMetadata, turnTotals, type Frame } from '../protocol/frames.ts';
import type { LogEvent } from '../protocol/log-event.ts';

/** The part of a message that the reader has already, in UTF-16 units. */
export interface Seen {
  messageId: string;
  offset: number;
  reasoningOffset: number;
}

/** The parts of a row's `extra` that clients see. `extra` may hold more. */
const callExtra = chunks.tool_call
  .pick({ name: true, server: true, attempt: true, edited: true, remembered: true })
  .strip();
const resultExtra = chunks.tool_result.pick({ name: true, status: true, duration_ms: true, remembered: true }).strip();
const requestExtra = chunks.approval_request
  .pick({ interrupt_id: true, call_id: true, name: true, server: true, arguments: true, expires_at: true })
  .extend({ kind: z.literal('approval_request') })
  .strip();
const ofQuestion = {
  interrupt_id: z.string(),
  call_id: z.string(),
  name: z.string(),
  server: z.string(),
  expires_at: z.string(),
};
const formExtra = z.object({
  ...ofQuestion,
  kind: z.literal('elicitation_request'),
  ask: z.object({ kind: z.literal('form'), message: z.string(), schema: z.record(z.string(), z.unknown()) }),
});
const urlExtra = z.object({
  ...ofQuestion,
  kind: z.literal('elicitation_request'),
  ask: z.object({ kind: z.literal('url'), message: z.string(), url: z.string() }),
});
const samplingExtra = z.object({
  ...ofQuestion,
  kind: z.literal('sampling_request'),
  ask: z.object({ kind: z.literal('sampling'), request: z.record(z.string(), z.unknown()) }),
});
const askedExtra = z.union([requestExtra, formExtra, urlExtra, samplingExtra]);

/** Absent in turns of earlier versions. */
const usageByHop = z.array(z.object({ hop: z.number(), model: z.string().nullable(), usage: usageSchema })).default([]);

/** A turn's end as its row or its identity record keeps it. */
const turnEnd = z.discriminatedUnion('status', [
  z.object({
    status: z.literal('complete'),
    metadata: turnMetadata.extend({ usage: usageSchema, usage_by_hop: usageByHop }).strip(),
  }),
  z.object({
    status: z.literal('error'),
    error: faultSchema.strip(),
    metadata: turnTotals.extend({ usage: usageSchema }).strip().optional(),
  }),
]);

/** The frames of one row, in order. Empty for rows that the sender does not see. */
export function renderRow(row: LogRow, seen: Seen | null = null): Frame[] {
  const { request_id: requestId, conversation_id: conversationId } = row;
  if (requestId === null) return [];
  const turn = { request_id: requestId, conversation_id: conversationId };
  if (isTurnEnd(row)) return renderEnd(turn, row.extra, row.seq, false);
  return renderChunks(row, seen).map((chunk) => ({ ...turn, status: 'chunk', chunk }));
}

/** The final frame of a turn. `replayed`: the turn had ended before this reader asked. */
export function renderEnd(
  turn: { request_id: string; conversation_id: string },
  end: unknown,
  seq: number | null,
  replayed: boolean,
): Frame[] {
  const parsed = turnEnd.safeParse(end);
  if (!parsed.success) return [];
  const place = seq === null ? {} : { seq };
  const mark = replayed ? ({ replayed: true } as const) : {};
  if (parsed.data.status === 'complete') {
    return [{ ...turn, status: 'complete', ...place, metadata: { ...parsed.data.metadata, ...mark } }];
  }
  const { error, metadata } = parsed.data;
  return [
    {
      ...turn,
      status: 'error',
      ...place,
      error,
      ...(metadata || replayed ? { metadata: { ...metadata, ...mark } } : {}),
    },
  ];
}

/** A row as `history` and `event` frames show it: its columns, with JSON parsed and null for absent values. */
export function eventOf({ conversation_id: _, extra, ...row }: LogRow): LogEvent {
  return { ...row, extra: Object.keys(extra).length === 0 ? null : extra };
}

/** The frame that a subscriber gets for a row. */
export function eventFrame(row: LogRow): Frame {
  return {
    request_id: row.request_id,
    status: 'event',
    conversation_id: row.conversation_id,
    seq: row.seq,
    event: eventOf(row),
  };
}

function renderChunks(row: LogRow, seen: Seen | null): Chunk[] {
  switch (row.type) {
    case 'assistant_message':
      return renderMessage(row, seen?.messageId === row.id ? seen : null);
    case 'tool_call': {
      const extra = callExtra.safeParse(row.extra);
      if (!extra.success) return [];
      const data = row.content ?? '{}';
      const resumed = row.extra['resume'] === undefined ? {} : ({ resumed: true } as const);
      return [
        {
          type: 'tool_call',
          call_id: row.tool_call_id ?? '',
          ...extra.data,
          ...resumed,
          arguments: parseObject(data),
          data,
          seq: row.seq,
        },
      ];
    }
    case 'tool_result': {
      const extra = resultExtra.safeParse(row.extra);
      if (!extra.success) return [];
      return [
        {
          type: 'tool_result',
          call_id: row.tool_call_id ?? '',
          ...extra.data,
          data: userTextOf(row) ?? row.content ?? '',
          ...imagesFor(row),
          seq: row.seq,
        },
      ];
    }
    case 'meta': {
      const { data: asked } = askedExtra.safeParse(row.extra);
      return asked ? [renderQuestion(asked, row.seq)] : [];
    }
    case 'user_message':
    case 'system_update':
      return [];
  }
}

/** The text for people, if the server means parts of the result for the model or for people alone. */
function userTextOf({ extra: { whole } }: LogRow): string | null {
  return isObject(whole) && typeof whole['user_text'] === 'string' ? whole['user_text'] : null;
}

/** The images of the result that are for the user. */
function imagesFor({ extra: { whole } }: LogRow): Pick<Extract<Chunk, { type: 'tool_result' }>, 'images'> {
  const images = imagesIn(whole, 'user');
  return images.length === 0 ? {} : { images: images.map(({ mimeType, data }) => ({ mime_type: mimeType, data })) };
}

function renderQuestion(asked: z.output<typeof askedExtra>, seq: number): Chunk {
  if (asked.kind === 'approval_request') {
    const { kind: type, ...rest } = asked;
    return { type, ...rest, data: `Allow ${rest.name} with ${JSON.stringify(rest.arguments)}?`, seq };
  }
  const { ask, kind: _, ...rest } = asked;
  switch (ask.kind) {
    case 'form':
      return {
        type: 'elicitation_request',
        ...rest,
        mode: ask.kind,
        requested_schema: ask.schema,
        data: ask.message,
        seq,
      };
    case 'url':
      return { type: 'elicitation_request', ...rest, mode: ask.kind, url: ask.url, data: ask.message, seq };
    case 'sampling':
      return {
        type: 'approval_request',
        ...rest,
        about: ask.kind,
        arguments: ask.request,
        data: `Allow the server "${rest.server}" to ask the model?`,
        seq,
      };
  }
}

function renderMessage(row: LogRow, seen: Seen | null): Chunk[] {
  const reasoning = typeof row.extra['reasoning'] === 'string' ? row.extra['reasoning'] : '';
  return [
    ...textChunk('reasoning', row.id, reasoning, seen?.reasoningOffset ?? 0),
    ...textChunk('text', row.id, row.content ?? '', seen?.offset ?? 0),
  ];
}

/** The rest of a text from an offset. The offset moves back by one instead of splitting a surrogate pair. */
export function textChunk(type: 'text' | 'reasoning', messageId: string, text: string, from: number): Chunk[] {
  const splitsPair =
    from > 0 &&
    from < text.length &&
    /[\uDC00-\uDFFF]/.test(text.charAt(from)) &&
    /[\uD800-\uDBFF]/.test(text.charAt(from - 1));
  const offset = splitsPair ? from - 1 : from;
  return offset >= text.length ? [] : [{ type, message_id: messageId, offset, data: text.slice(offset) }];
}

function parseObject(text: string): Record<string, unknown> {
  const parsed = z.record(z.string(), z.unknown()).safeParse(JSON.parse(text));
  return parsed.success ? parsed.data : {};
}
