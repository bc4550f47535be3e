/** Describes rows and states of a log for people: the content of a row, and what recovery would do after it. */
import { isTurnEnd, type NewRow } from '../../machines/log.ts';
import { onlyWaits, recoveryRows } from '../../machines/conversation/decisions/recovery.ts';
import type {
  FoldedLog,
  InterruptedCall,
  InterruptedTurn,
  RecoveryPolicy,
} from '../../machines/conversation/turn-state.ts';

/** The open turns, and what recovery would do with them. */
export function describeState({ interrupted, stopped, queue }: FoldedLog, recovery: RecoveryPolicy): string {
  const parts = [
    interrupted === null ? 'idle' : describeTurn(interrupted),
    ...(queue.length > 0 ? [`waiting: ${queue.map(({ requestId }) => requestId).join(', ')}`] : []),
    ...(stopped.length > 0 ? [`stopped, to be ended: ${stopped.map(({ requestId }) => requestId).join(', ')}`] : []),
    ...(interrupted === null ? [] : [`recovery would ${describeRecovery(interrupted, recovery)}`]),
  ];
  return parts.join(' | ');
}

function describeRecovery(turn: InterruptedTurn, recovery: RecoveryPolicy): string {
  return onlyWaits(turn) ? 'wait on' : recoveryRows(turn, recovery).rows.map(describeRecoveryRow).join(', ');
}

function describeTurn({ requestId, hops, open, recoveries, stop }: InterruptedTurn): string {
  const calls = open.map((call) => `${call.request.function.name} (${describeStage(call)})`);
  return [
    `turn ${requestId}`,
    `${hops} ${hops === 1 ? 'hop' : 'hops'}`,
    ...(calls.length > 0 ? [`open calls: ${calls.join(', ')}`] : []),
    ...(recoveries > 0 ? [`taken up ${recoveries === 1 ? 'once' : `${recoveries} times`}`] : []),
    ...(stop === null ? [] : [stop]),
  ].join(', ');
}

function describeStage({ dispatch, approval, question }: InterruptedCall): string {
  if (question)
    return question.resume
      ? `waits for an answer until ${new Date(question.untilMs).toISOString()}`
      : 'its server waited for an answer';
  if (approval !== null) return `waits for approval until ${new Date(approval.untilMs).toISOString()}`;
  if (dispatch === null) return 'asked';
  return dispatch.tool.idempotent ? 'dispatched, idempotent' : 'dispatched';
}

/** The effect of a row of recovery, as a verb. */
function describeRecoveryRow(row: NewRow): string {
  const text = (key: string) => String(row.extra[key]);
  if (row.type === 'tool_result') return `close ${text('name')} as ${text('status')}`;
  if (row.type === 'tool_call') return `call ${text('name')} once more`;
  if (row.extra['kind'] === 'response') return `answer the question: ${text('decision')}`;
  return isTurnEnd(row) ? `end the turn: ${endOf(row)}` : 'go on';
}

/** The content of a row in a few words. */
export function describeRow(row: NewRow): string {
  switch (row.type) {
    case 'user_message':
    case 'system_update':
      return quoted(row.content);
    case 'assistant_message':
      return [
        quoted(row.content),
        ...(row.extra['asked_again'] === true ? ['empty answer, asked again'] : []),
        ...(row.tool_calls ?? []).map(({ id, function: { name } }) => `asks ${name} (${id})`),
      ]
        .filter((part) => part !== '')
        .join(' ');
    case 'tool_call':
      return `${String(row.extra['name'])} (${row.tool_call_id}) ${quoted(row.content)}`;
    case 'tool_result':
      return `${String(row.extra['status'])} (${row.tool_call_id}) ${quoted(row.content)}`;
    case 'meta':
      return describeMeta(row);
  }
}

function describeMeta(row: NewRow): string {
  const { kind, name, decision, server, tool_name: tool, arguments: edited } = row.extra;
  if (isTurnEnd(row)) return `turn_end: ${endOf(row)}`;
  if (kind === 'approval_request') return `asks for approval of ${String(name)} (${row.tool_call_id})`;
  if (kind === 'elicitation_request' || kind === 'sampling_request')
    return `${String(server)} asks (${row.tool_call_id})`;
  if (kind === 'remember') return `from now on ${String(decision)} ${String(server)}.${String(tool)}`;
  const change = edited === undefined ? '' : ` with ${quoted(JSON.stringify(edited))}`;
  return kind === 'response' ? `response: ${String(decision)} (${row.tool_call_id})${change}` : String(kind ?? '');
}

function endOf({ extra }: NewRow): string {
  const field = (of: unknown, key: string): unknown =>
    typeof of === 'object' && of !== null ? Object.entries(of).find(([name]) => name === key)?.[1] : undefined;
  return String(
    field(extra['metadata'], 'finish_reason') ?? field(extra['error'], 'code') ?? extra['status'] ?? 'no reason',
  );
}

const shownCharacters = 60;

function quoted(content: string | null): string {
  if (content === null || content === '') return '';
  const flat = content.slice(0, 2 * shownCharacters).replaceAll(/\s+/g, ' ');
  return JSON.stringify(
    flat.length < content.length || flat.length > shownCharacters ? `${flat.slice(0, shownCharacters)}...` : flat,
  );
}
