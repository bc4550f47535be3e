/**
 * Reads exported rows of a log: JSON lines or one JSON array. Rows may be columns of `chat_events`, rows of `history`, or
 * `event` frames.
 */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { LogRow } from '../../machines/log.ts';
import { AppError, errorMessage } from '../errors.ts';
import { issuePath, ownWords } from '../explain-issue.ts';
import { decodeRow } from '../store/columns.ts';

const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null);
/** A JSON column: as text, as in the table, or as a value, as clients get it. */
const json = z
  .unknown()
  .transform((value) =>
    value === undefined || value === null || typeof value === 'string' ? (value ?? null) : JSON.stringify(value),
  );

const exportedRow = z.object({
  id: text,
  conversation_id: text,
  seq: z.int(),
  timestamp: text,
  type: z.string(),
  role: text,
  content: text,
  tool_calls: json,
  tool_call_id: text,
  model: text,
  usage: json,
  extra: json,
  token_count: z
    .number()
    .nullish()
    .transform((value) => value ?? null),
  request_id: text,
});

const frame = z.object({ conversation_id: z.string(), event: z.record(z.string(), z.unknown()) });

/** The rows of one conversation in seq order. Rows without a conversation count as its own. Throws AppError `invalid_request`. */
export function readExportedRows(file: string, conversationId: string): LogRow[] {
  const rows = valuesIn(file).map(({ value, line }) => {
    const framed = frame.safeParse(value).data;
    const parsed = exportedRow.safeParse(
      framed ? { conversation_id: framed.conversation_id, ...framed.event } : value,
      ownWords,
    );
    if (parsed.success)
      return decodeRow({ ...parsed.data, conversation_id: parsed.data.conversation_id ?? conversationId });
    const [issue] = parsed.error.issues;
    throw unreadableError(file, line, issue ? `${issuePath(issue.path) || 'the row'}: ${issue.message}` : 'not a row');
  });
  return rows.filter((row) => row.conversation_id === conversationId).toSorted((one, other) => one.seq - other.seq);
}

function valuesIn(file: string): { value: unknown; line: number }[] {
  const whole = contentsOf(file).trim();
  if (whole.startsWith('[')) {
    const values: unknown = parse(whole, file, 1);
    return Array.isArray(values) ? values.map((value: unknown) => ({ value, line: 1 })) : [];
  }
  return whole
    .split('\n')
    .flatMap((text, index) => (text.trim() === '' ? [] : [{ value: parse(text, file, index + 1), line: index + 1 }]));
}

function contentsOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new AppError('invalid_request', `The file ${file} cannot be read (${errorMessage(cause)}).`, { cause });
  }
}

function parse(text: string, file: string, line: number): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unreadableError(file, line, 'not JSON', cause);
  }
}

function unreadableError(file: string, line: number, reason: string, cause?: unknown): AppError {
  return new AppError('invalid_request', `${file}:${line}: ${reason}. Write one row per line, as JSON.`, { cause });
}
