/**
 * Runs the command `replay`: folds a conversation's log row by row, as activation and recovery do, and prints after each row
 * where a server that was killed there would continue.
 */
import type { RecoveryPolicy } from '../../machines/conversation/turn-state.ts';
import type { LogRow } from '../../machines/log.ts';
import { AppError } from '../errors.ts';
import { replaySteps } from '../replay/steps.ts';
import { describeRow, describeState } from '../replay/describe.ts';
import { openReadOnly } from '../store/file/read-only-store.ts';
import { readExportedRows } from './exported-rows.ts';
import type { CommandResult } from './output.ts';

/** The log to replay, and how. */
export interface ReplayOptions {
  conversationId: string;
  /** The database file. Not opened with `exported`. */
  database: string;
  /** A file of exported rows instead. */
  exported: string | null;
  recovery: RecoveryPolicy;
}

/** Throws AppError if the conversation has no rows. */
export function replay({ conversationId, database, exported, recovery }: ReplayOptions): CommandResult {
  const { rows, imported } =
    exported === null
      ? storedRows(database, conversationId)
      : { rows: readExportedRows(exported, conversationId), imported: [] };
  if (rows.length === 0) {
    throw new AppError('not_found', `Conversation ${conversationId} has no rows in ${exported ?? database}.`);
  }
  return { exitCode: 0, lines: describeSteps(rows, new Set(imported), recovery) };
}

function storedRows(database: string, conversationId: string): { rows: LogRow[]; imported: string[] } {
  const archive = openReadOnly(database);
  try {
    const turns = archive.record(conversationId)?.turns ?? [];
    return {
      rows: Array.from(archive.rows(conversationId), ({ row }) => row),
      imported: turns.filter((turn) => turn.imported).map((turn) => turn.requestId),
    };
  } finally {
    archive.close();
  }
}

/** Two lines a row: what it says, and what the fold says after it. `imported` turns of other programs count as ended. */
function* describeSteps(
  rows: readonly LogRow[],
  imported: ReadonlySet<string>,
  recovery: RecoveryPolicy,
): Iterable<string> {
  for (const { row, folded } of replaySteps(rows, imported)) {
    yield `${String(row.seq).padStart(5)}  ${row.type.padEnd(17)}  ${row.request_id ?? '-'}  ${describeRow(row)}${row.extra['remembered'] === true ? ', as remembered' : ''}`;
    yield `       -> ${describeState(folded, recovery)}`;
  }
}
