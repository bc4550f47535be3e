/**
 * Checks a conversation's log against the rules that every log keeps, in one pass over its rows, and describes each
 * violation. Pure. The rules hold after every crash. A violation is a fault of the runtime.
 */
import { isTurnEnd, type LogRow } from './log.ts';

/** The record of a conversation in the tables beside the log. */
export interface LogRecord {
  oldestSeq: number;
  headSeq: number;
  /** Number of kept user and assistant messages, and the tokens of all kept rows. */
  messages: number;
  tokens: number;
  /** In the order of their first rows. */
  turns: AuditedTurn[];
}

/** A turn as the table `turns` has it. */
export interface AuditedTurn {
  requestId: string;
  beginSeq: number;
  /** Null while the turn is open. */
  endSeq: number | null;
  /** True for turns imported from another program. They have no end row and follow none of the rules. */
  imported: boolean;
}

/** The audit of one conversation. Used once. */
export interface Audit {
  /** Checks the next row, in seq order. */
  row(row: LogRow): void;
  /** All violations, after the last row. */
  problems(): string[];
}

/** A turn as its rows describe it. */
interface LoggedTurn {
  first: number;
  last: number;
  /** Seqs of its turn_end rows. */
  ends: number[];
  /** Calls that the model asked for. True if the call has its result. */
  calls: Map<string, boolean>;
  /** The decision on each call that needed approval. Null while open. */
  questions: Map<string, string | null>;
  /** The interrupt id of each call whose server's question is open. */
  asking: Map<string, unknown>;
  begun: boolean;
}

/**
 * Starts an audit. Pass every kept row once, in seq order, then call `problems` once. An empty list means a valid log.
 * The audit keeps turns and call ids but no texts, so that a long log fits in memory.
 */
export function auditLog(record: LogRecord): Audit {
  const found: string[] = [];
  const known = new Map(record.turns.map((turn) => [turn.requestId, turn]));
  const logged = new Map<string, LoggedTurn>();
  let next = record.oldestSeq;
  let messages = 0;
  let tokens = 0;

  function numbered({ seq }: LogRow): void {
    if (seq > next) found.push(seq === next + 1 ? `row ${next} is missing` : `rows ${next} to ${seq - 1} are missing`);
    if (seq < next) found.push(`row ${seq} lies before the oldest row that is kept, ${record.oldestSeq}`);
    next = Math.max(next, seq + 1);
  }

  function turnOf(row: LogRow, requestId: string): LoggedTurn {
    let turn = logged.get(requestId);
    if (turn === undefined) {
      if (!known.has(requestId))
        found.push(`row ${row.seq} belongs to turn ${requestId}, which the turns table does not know`);
      logged.set(
        requestId,
        (turn = {
          first: row.seq,
          last: row.seq,
          ends: [],
          calls: new Map(),
          questions: new Map(),
          asking: new Map(),
          begun: false,
        }),
      );
    }
    turn.last = row.seq;
    return turn;
  }

  function asked(turn: LoggedTurn, row: LogRow): void {
    const open = openCalls(turn);
    if (open !== '') found.push(`row ${row.seq} is an answer of the model, and ${open} had no result yet`);
    for (const { id } of row.tool_calls ?? []) {
      if (turn.calls.has(id)) found.push(`row ${row.seq} asks for call ${id} a second time`);
      turn.calls.set(id, false);
    }
  }

  function aboutCall(turn: LoggedTurn, row: LogRow): void {
    const id = row.tool_call_id ?? '';
    const closed = turn.calls.get(id);
    const what = row.type === 'tool_call' ? 'dispatches' : 'is the result of';
    if (closed === undefined) found.push(`row ${row.seq} ${what} call ${id}, which the model did not ask for`);
    if (closed === true) found.push(`row ${row.seq} ${what} call ${id}, which has its result already`);
    const decision = turn.questions.get(id);
    if (decision === null || turn.asking.has(id))
      found.push(`row ${row.seq} ${what} call ${id}, which waits for a person`);
    if (row.type === 'tool_call' && decision !== undefined && decision !== null && decision !== 'approve')
      found.push(`row ${row.seq} dispatches call ${id}, which was not approved`);
    if (row.extra['edited'] === true && decision !== 'approve')
      found.push(`row ${row.seq} dispatches call ${id} with changed arguments, which were not approved`);
    if (row.type === 'tool_result') turn.calls.set(id, true);
  }

  function aboutQuestion(turn: LoggedTurn, row: LogRow): void {
    const id = row.tool_call_id ?? '';
    const known = turn.questions.get(id);
    if (row.extra['kind'] === 'approval_request') {
      if (turn.calls.get(id) !== false || known !== undefined)
        found.push(`row ${row.seq} asks a person about call ${id}, which is not open or was asked about before`);
      turn.questions.set(id, null);
    }
    if (row.extra['kind'] === 'elicitation_request' || row.extra['kind'] === 'sampling_request') {
      if (turn.calls.get(id) !== false || turn.asking.has(id))
        found.push(`row ${row.seq} asks a person for the server of call ${id}, which is not open or asks already`);
      turn.asking.set(id, row.extra['interrupt_id']);
    }
    if (row.extra['kind'] === 'response' && turn.asking.has(id) && turn.asking.get(id) === row.extra['interrupt_id']) {
      turn.asking.delete(id);
    } else if (row.extra['kind'] === 'response') {
      if (known !== null) found.push(`row ${row.seq} answers about call ${id}, which has no open interrupt`);
      turn.questions.set(id, String(row.extra['decision']));
    }
    if (row.extra['kind'] === 'remember' && ![...turn.questions.values()].includes(String(row.extra['decision']))) {
      found.push(`row ${row.seq} remembers a decision that was not taken in its turn`);
    }
  }

  function ended(turn: LoggedTurn, row: LogRow): void {
    const open = openCalls(turn);
    if (open !== '') found.push(`row ${row.seq} ends turn ${row.request_id}, and ${open} had no result yet`);
    turn.ends.push(row.seq);
  }

  function inTurn(row: LogRow, requestId: string): void {
    const turn = turnOf(row, requestId);
    if (known.get(requestId)?.imported === true) return;
    if (turn.ends.length > 0 && !isTurnEnd(row))
      found.push(`row ${row.seq} of turn ${requestId} lies behind the end of its turn`);
    turn.begun ||= row.type !== 'user_message' && row.extra['kind'] !== 'cancel' && row.extra['kind'] !== 'rewind';
    if (row.type === 'assistant_message') asked(turn, row);
    if (row.type === 'tool_call' || row.type === 'tool_result') aboutCall(turn, row);
    if (row.type === 'meta') aboutQuestion(turn, row);
    if (isTurnEnd(row)) ended(turn, row);
  }

  function againstTable(turn: AuditedTurn): void {
    const name = `turn ${turn.requestId}`;
    const rows = logged.get(turn.requestId);
    if (rows === undefined) {
      if (turn.endSeq === null || turn.endSeq >= record.oldestSeq) found.push(`${name} has no rows`);
      return;
    }
    if (rows.first !== turn.beginSeq)
      found.push(`${name} begins at row ${rows.first}, and at ${turn.beginSeq} by the turns table`);
    if (turn.endSeq === null) {
      if (rows.ends.length > 0)
        found.push(`${name} ends at row ${rows.ends.join(', ')} and is open by the turns table`);
      return;
    }
    if (rows.last !== turn.endSeq)
      found.push(`${name} ends at row ${rows.last}, and at ${turn.endSeq} by the turns table`);
    if (rows.ends.length !== 1 && !turn.imported)
      found.push(`${name} has ended and has ${rows.ends.length} turn_end rows instead of one`);
  }

  return {
    row(row) {
      numbered(row);
      if (row.type === 'user_message' || row.type === 'assistant_message') messages += 1;
      tokens += row.token_count ?? 0;
      if (row.request_id !== null) inTurn(row, row.request_id);
    },

    problems() {
      if (next !== record.headSeq + 1)
        found.push(`the last row is ${next - 1}, and ${record.headSeq} by the conversations table`);
      if (messages !== record.messages)
        found.push(`${messages} messages are kept, and ${record.messages} by the conversations table`);
      if (tokens !== record.tokens)
        found.push(`${tokens} tokens are kept, and ${record.tokens} by the conversations table`);
      for (const turn of record.turns) againstTable(turn);
      const running = record.turns.filter(({ requestId, endSeq }) => endSeq === null && logged.get(requestId)?.begun);
      if (running.length > 1)
        found.push(`turns ${running.map(({ requestId }) => requestId).join(' and ')} run at the same time`);
      return found;
    },
  };
}

function openCalls({ calls }: LoggedTurn): string {
  const open = [...calls].filter(([, closed]) => !closed).map(([id]) => id);
  return open.length === 0 ? '' : `call ${open.join(', ')}`;
}
