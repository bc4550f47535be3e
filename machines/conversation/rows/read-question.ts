/**
 * Reads the rows that server-question.ts builds, for activation. Pure. Returns null for a row that cannot be read: its
 * call then counts as interrupted.
 */
import type { FormContent } from '../client-events.ts';
import { asObject, asObjects } from '../../json-object.ts';
import type { LogRow } from '../../log.ts';
import type {
  AnsweredRequest,
  KeyedRequest,
  Resumption,
  ServerAnswer,
  ServerRequest,
  ServerQuestion,
  TaskHandle,
} from '../question-types.ts';

/** The question that an `interrupt` row asks. Null if the row is not readable as one. */
export function readQuestion({ id, extra }: LogRow): ServerQuestion | null {
  const untilMs = Date.parse(String(extra['expires_at']));
  const ask = readAsk(extra['ask']);
  const rest = readAll(extra['rest'], readKeyed);
  const resume = extra['resume'] === undefined ? null : readResumption(extra['resume']);
  if (ask === null || rest === null || Number.isNaN(untilMs)) return null;
  return { interruptId: id, untilMs, key: String(extra['key']), ask, rest, resume, answer: null };
}

/** Null also for the first dispatch of a call, which resumes nothing. */
export function readResumption(value: unknown): Resumption | null {
  const { requestState, answered: answers, questions, workedMs, task } = asObject(value) ?? {};
  const answered = readAll(answers, readAnswered);
  if (answered === null || typeof questions !== 'number') return null;
  return {
    requestState: typeof requestState === 'string' ? requestState : null,
    answered,
    questions,
    workedMs: typeof workedMs === 'number' ? workedMs : 0,
    task: readTask(task),
  };
}

/** Null for a value that is no task, as in rows of earlier versions. */
export function readTask(value: unknown): TaskHandle | null {
  const { id, pollIntervalMs, answeredKeys } = asObject(value) ?? {};
  if (typeof id !== 'string') return null;
  return {
    id,
    pollIntervalMs: typeof pollIntervalMs === 'number' ? pollIntervalMs : null,
    answeredKeys: Array.isArray(answeredKeys) ? answeredKeys.map(String) : [],
  };
}

function readAll<Entry>(value: unknown, read: (entry: Record<string, unknown>) => Entry | null): Entry[] | null {
  const entries = asObjects(value)?.map(read) ?? null;
  return entries?.every((entry) => entry !== null) ? entries : null;
}

function readKeyed({ key, ask }: Record<string, unknown>): KeyedRequest | null {
  const read = readAsk(ask);
  return read && { key: String(key), ask: read };
}

function readAnswered({ answer, ...keyed }: Record<string, unknown>): AnsweredRequest | null {
  const read = readKeyed(keyed);
  const { action, content } = asObject(answer) ?? {};
  return read && isAction(action) ? { ...read, answer: { action, content: readForm(content) } } : null;
}

function readForm(value: unknown): FormContent | null {
  const entries = Object.entries(asObject(value) ?? {});
  const form = entries.flatMap(([key, entry]): [string, FormContent[string]][] =>
    isFormValue(entry) ? [[key, entry]] : [],
  );
  return value === null || form.length < entries.length ? null : Object.fromEntries(form);
}

function isFormValue(value: unknown): value is FormContent[string] {
  if (Array.isArray(value)) return value.every((entry) => typeof entry === 'string');
  return ['string', 'number', 'boolean'].includes(typeof value);
}

function isAction(action: unknown): action is ServerAnswer['action'] {
  return action === 'accept' || action === 'decline' || action === 'cancel';
}

function readAsk(value: unknown): ServerRequest | null {
  const { kind, message, schema, url, request } = asObject(value) ?? {};
  switch (kind) {
    case 'form':
      return { kind, message: String(message), schema: asObject(schema) ?? {} };
    case 'url':
      return { kind, message: String(message), url: String(url) };
    case 'sampling':
      return { kind, request: asObject(request) ?? {} };
    case 'roots':
      return { kind };
    default:
      return null;
  }
}
