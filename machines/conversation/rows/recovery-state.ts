/**
 * Folds the rows of turns without an end into the state of a conversation, for activation. Pure. The chart's state
 * `recovering` goes on from the result.
 */
import type {
  Approval,
  FoldedLog,
  InterruptedCall,
  InterruptedTurn,
  QueuedTurn,
  StoppedTurn,
  ToolUse,
  WrittenDraft,
} from '../turn-state.ts';
import { asObject } from '../../json-object.ts';
import type { LogRow } from '../../log.ts';
import { emptyAnswersAfter } from '../decisions/empty-answer.ts';
import type { ServerQuestion } from '../question-types.ts';
import { readQuestion, readResumption } from './read-question.ts';
import { readTaskRow } from './task-row.ts';

/**
 * Reads the tool from a row about a call. Schema and description are not in the row and not needed to make the call.
 * A call with unreadable arguments is not repeated: its outcome is then unknown.
 */
function toolUse(extra: LogRow['extra'], args: Record<string, unknown> | null): ToolUse {
  const text = (key: string) => (typeof extra[key] === 'string' ? extra[key] : '');
  const idempotent = args !== null && extra['idempotent'] === true;
  return {
    tool: {
      name: text('name'),
      server: text('server'),
      toolName: text('tool_name'),
      description: '',
      inputSchema: {},
      definition: text('definition'),
      idempotent,
      permission: 'always',
      timeoutMs: null,
    },
    arguments: args ?? {},
  };
}

function readDispatch({ content, extra }: LogRow): NonNullable<InterruptedCall['dispatch']> {
  const attempt = typeof extra['attempt'] === 'number' ? extra['attempt'] : 1;
  return {
    ...toolUse(extra, readArguments(content)),
    attempt,
    edited: extra['edited'] === true,
    resume: readResumption(extra['resume']),
  };
}

/** Null for a row that cannot be read. Its call is then closed like a call that was never made. */
function readApproval({ id, extra }: LogRow): (ToolUse & Approval) | null {
  const args = asObject(extra['arguments']);
  const untilMs = Date.parse(String(extra['expires_at']));
  return args === null || Number.isNaN(untilMs) ? null : { ...toolUse(extra, args), interruptId: id, untilMs };
}

function readArguments(text: string | null): Record<string, unknown> | null {
  try {
    return asObject(JSON.parse(text ?? '{}'));
  } catch {
    return null;
  }
}

/**
 * Folds the rows of open turns. `open` holds their request ids, oldest first. `nowMs` is when the log was read. `draft`
 * is the message that was being written, if any. The interrupted turn is the one with a row beside its message and its
 * cancel. Without such a row it is the first queued turn that was not cancelled. Several turns can be cancelled and lack
 * their end, because queued turns can be cancelled too.
 */
export function foldLog(
  rows: readonly LogRow[],
  open: readonly string[],
  nowMs: number,
  draft: WrittenDraft | null = null,
): FoldedLog {
  const turns: { turn: FoldedTurn; begun: boolean }[] = [];
  for (const requestId of open) {
    const own = rows.filter((row) => row.request_id === requestId);
    if (own[0]?.extra['goes_first'] === true) turns.unshift(foldTurn(requestId, own, nowMs));
    else turns.push(foldTurn(requestId, own, nowMs));
  }
  const cutOff = turns.find((turn) => turn.begun) ?? turns.find(({ turn }) => turn.stop === null);
  const others = turns.filter((turn) => turn !== cutOff).map(({ turn }) => turn);
  return {
    interrupted: cutOff
      ? { ...cutOff.turn, begun: cutOff.begun, draft: draft?.requestId === cutOff.turn.requestId ? draft : null }
      : null,
    stopped: others.flatMap(({ requestId, stop }): StoppedTurn[] => (stop ? [{ requestId, reason: stop }] : [])),
    queue: others
      .filter(({ stop }) => !stop)
      .map(({ requestId }): QueuedTurn => ({ requestId, hops: 0, used: [], announced: true })),
  };
}

/** The part of an interrupted turn that its rows alone determine. */
type FoldedTurn = Omit<InterruptedTurn, 'begun' | 'draft'>;

function foldTurn(requestId: string, rows: readonly LogRow[], nowMs: number): { turn: FoldedTurn; begun: boolean } {
  const turn: FoldedTurn = {
    requestId,
    hops: 0,
    used: [],
    emptyAnswers: 0,
    model: null,
    recoveries: 0,
    ageMs: 0,
    stop: null,
    open: [],
  };
  for (const row of rows) {
    switch (row.type) {
      case 'user_message':
        turn.ageMs = Math.max(0, nowMs - Date.parse(row.timestamp));
        break;
      case 'assistant_message':
        if (row.usage) turn.used = [...turn.used, { hop: turn.hops, model: row.model, usage: row.usage }];
        turn.hops += row.tool_calls ? 1 : 0;
        turn.emptyAnswers = emptyAnswersAfter(turn.emptyAnswers, row);
        turn.model = row.model;
        for (const request of row.tool_calls ?? [])
          turn.open.push({ request, dispatch: null, approval: null, question: null });
        break;
      case 'tool_call':
        for (const call of turn.open)
          if (call.request.id === row.tool_call_id)
            Object.assign(call, { dispatch: readDispatch(row), question: null });
        break;
      case 'tool_result':
        turn.open = turn.open.filter((call) => call.request.id !== row.tool_call_id);
        break;
      case 'meta':
        foldMeta(turn, row);
        break;
      case 'system_update':
        break;
    }
  }
  return {
    turn,
    begun: rows.some(
      (row) => row.type !== 'user_message' && row.extra['kind'] !== 'cancel' && row.extra['kind'] !== 'rewind',
    ),
  };
}

function foldMeta(turn: FoldedTurn, row: LogRow): void {
  const asked = turn.open.find((call) => call.request.id === row.tool_call_id);
  switch (row.extra['kind']) {
    case 'cancel':
      turn.stop = row.extra['reason'] === 'interrupted' ? 'interrupted' : 'cancelled';
      break;
    case 'recovered':
      turn.recoveries += 1;
      break;
    case 'task':
      if (asked?.dispatch) asked.dispatch.resume = readTaskRow(row.extra, asked.dispatch.resume);
      break;
    case 'approval_request':
      if (asked) asked.approval = readApproval(row);
      break;
    case 'elicitation_request':
    case 'sampling_request':
      if (asked) foldQuestion(asked, readQuestion(row));
      break;
    case 'response':
      if (asked) Object.assign(asked, { approval: null, question: null });
      break;
  }
}

/** A server that keeps its connection open counts no questions. The number keeps the ids of its further questions apart. */
function foldQuestion(call: InterruptedCall, question: ServerQuestion | null): void {
  call.question = question;
  const resume = call.dispatch?.resume;
  if (call.dispatch && resume?.task && question?.resume === null)
    call.dispatch.resume = { ...resume, questions: resume.questions + 1 };
}
