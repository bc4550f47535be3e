/**
 * The command `replay`: folds a conversation's log row by row, with the folds that activation and
 * recovery use, and tells after each row where a server that was killed there would go on.
 */
import type { InterruptedCall, InterruptedTurn, RecoveryPolicy } from '../../machines/turn-terms.ts';
import type { LogRow, NewRow } from '../../machines/log.ts';
import { onlyWaits, recoveryRows } from '../../machines/recovery.ts';
import { foldStanding } from '../../machines/standing.ts';
import { AppError } from '../errors.ts';
import { openArchive } from '../store/archive.ts';
import { readExportedRows } from './exported-rows.ts';
import type { CommandResult } from './result.ts';

export interface ReplayOptions {
  conversationId: string;
  /** The database file. Not opened with `exported`. */
  database: string;
  /** A file of exported rows instead. */
  exported: string | null;
  recovery: RecoveryPolicy;
}

/** Throws AppError when there is nothing to replay, with what to do about it. */
export function replay({ conversationId, database, exported, recovery }: ReplayOptions): CommandResult {
  const { rows, adopted } = exported === null ? storedRows(database, conversationId) : { rows: readExportedRows(exported, conversationId), adopted: [] };
  if (rows.length === 0) {
    throw new AppError('not_found', `There are no rows of conversation ${conversationId} in ${exported ?? database}.`);
  }
  return { exitCode: 0, lines: tell(rows, new Set(adopted), recovery) };
}

function storedRows(database: string, conversationId: string): { rows: LogRow[]; adopted: string[] } {
  const archive = openArchive(database);
  try {
    const turns = archive.record(conversationId)?.turns ?? [];
    return {
      rows: Array.from(archive.rows(conversationId), ({ row }) => row),
      adopted: turns.filter((turn) => turn.adopted).map((turn) => turn.requestId),
    };
  } finally {
    archive.close();
  }
}

/** Two lines a row: what it says, and what the fold says after it. `adopted` turns of other programs count as ended. */
function* tell(rows: readonly LogRow[], adopted: ReadonlySet<string>, recovery: RecoveryPolicy): Iterable<string> {
  const ended = new Set(adopted);
  const open: string[] = [];
  let rowsOfOpen: LogRow[] = [];
  for (const row of rows) {
    const id = row.request_id;
    if (id !== null && isEnd(row)) {
      ended.add(id);
      if (open.includes(id)) open.splice(open.indexOf(id), 1);
      rowsOfOpen = rowsOfOpen.filter((other) => other.request_id !== id);
    } else if (id !== null && !ended.has(id)) {
      if (!open.includes(id)) open.push(id);
      rowsOfOpen.push(row);
    }
    yield `${String(row.seq).padStart(5)}  ${row.type.padEnd(17)}  ${id ?? '-'}  ${said(row)}${row.extra['remembered'] === true ? ', as remembered' : ''}`;
    yield `       ${standing(rowsOfOpen, open, Date.parse(row.timestamp), recovery)}`;
  }
}

const isEnd = (row: NewRow) => row.type === 'meta' && row.extra['kind'] === 'turn_end';

/** As if the server had been killed right after the row and started at once. */
function standing(rows: readonly LogRow[], open: readonly string[], nowMs: number, recovery: RecoveryPolicy): string {
  const { interrupted, stopped, queue } = foldStanding(rows, open, nowMs);
  const parts = [
    interrupted === null ? 'idle' : runningTurn(interrupted),
    ...(queue.length > 0 ? [`waiting: ${queue.map(({ requestId }) => requestId).join(', ')}`] : []),
    ...(stopped.length > 0 ? [`stopped, to be ended: ${stopped.map(({ requestId }) => requestId).join(', ')}`] : []),
    ...(interrupted === null ? [] : [`recovery would ${deeds(interrupted, recovery)}`]),
  ];
  return `-> ${parts.join(' | ')}`;
}

function deeds(turn: InterruptedTurn, recovery: RecoveryPolicy): string {
  return onlyWaits(turn) ? 'wait on' : recoveryRows(turn, recovery).rows.map(deed).join(', ');
}

function runningTurn({ requestId, hops, open, recoveries, stop }: InterruptedTurn): string {
  const calls = open.map((call) => `${call.request.function.name} (${stageOf(call)})`);
  return [
    `turn ${requestId}`,
    `${hops} ${hops === 1 ? 'hop' : 'hops'}`,
    ...(calls.length > 0 ? [`open calls: ${calls.join(', ')}`] : []),
    ...(recoveries > 0 ? [`taken up ${recoveries === 1 ? 'once' : `${recoveries} times`}`] : []),
    ...(stop === null ? [] : [stop]),
  ].join(', ');
}

function stageOf({ dispatch, approval, question }: InterruptedCall): string {
  if (question) return question.resume ? `waits for an answer until ${new Date(question.untilMs).toISOString()}` : 'its server waited for an answer';
  if (approval !== null) return `waits for approval until ${new Date(approval.untilMs).toISOString()}`;
  if (dispatch === null) return 'asked';
  return dispatch.tool.harmless ? 'dispatched, harmless' : 'dispatched';
}

/** What a row of a recovery does, as a verb. */
function deed(row: NewRow): string {
  const text = (key: string) => String(row.extra[key]);
  if (row.type === 'tool_result') return `close ${text('name')} as ${text('status')}`;
  if (row.type === 'tool_call') return `call ${text('name')} once more`;
  if (row.extra['kind'] === 'response') return `answer the question: ${text('decision')}`;
  return isEnd(row) ? `end the turn: ${endOf(row)}` : 'go on';
}

/** A row's news in a few words. */
function said(row: NewRow): string {
  switch (row.type) {
    case 'user_message':
    case 'system_update':
      return quoted(row.content);
    case 'assistant_message':
      return [quoted(row.content), ...(row.tool_calls ?? []).map(({ id, function: { name } }) => `asks ${name} (${id})`)].filter((part) => part !== '').join(' ');
    case 'tool_call':
      return `${String(row.extra['name'])} (${row.tool_call_id}) ${quoted(row.content)}`;
    case 'tool_result':
      return `${String(row.extra['status'])} (${row.tool_call_id}) ${quoted(row.content)}`;
    case 'meta':
      return saidMeta(row);
  }
}

function saidMeta(row: NewRow): string {
  const { kind, name, decision, server, tool_name: tool, arguments: edited } = row.extra;
  if (isEnd(row)) return `turn_end: ${endOf(row)}`;
  if (kind === 'approval_request') return `asks for approval of ${String(name)} (${row.tool_call_id})`;
  if (kind === 'elicitation_request' || kind === 'sampling_request') return `${String(server)} asks (${row.tool_call_id})`;
  if (kind === 'remember') return `from now on ${String(decision)} ${String(server)}.${String(tool)}`;
  const change = edited === undefined ? '' : ` with ${quoted(JSON.stringify(edited))}`;
  return kind === 'response' ? `response: ${String(decision)} (${row.tool_call_id})${change}` : String(kind ?? '');
}

function endOf({ extra }: NewRow): string {
  const field = (of: unknown, key: string): unknown => (typeof of === 'object' && of !== null ? Object.entries(of).find(([name]) => name === key)?.[1] : undefined);
  return String(field(extra['metadata'], 'finish_reason') ?? field(extra['error'], 'code') ?? extra['status'] ?? 'no reason');
}

const shownCharacters = 60;

function quoted(content: string | null): string {
  if (content === null || content === '') return '';
  const flat = content.slice(0, 2 * shownCharacters).replaceAll(/\s+/g, ' ');
  return JSON.stringify(flat.length < content.length || flat.length > shownCharacters ? `${flat.slice(0, shownCharacters)}...` : flat);
}
