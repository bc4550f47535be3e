/**
 * Runs the command `check`: reports what is wrong in the logs of a file. Reads one snapshot of the file, also while a server
 * runs, and changes nothing.
 */
import { auditLog } from '../../machines/audit.ts';
import type { LogRow } from '../../machines/log.ts';
import { foldLog } from '../../machines/conversation/rows/recovery-state.ts';
import { openReadOnly } from '../store/file/read-only-store.ts';
import type { ReadOnlyStore } from '../store/file/read-only-store.ts';
import type { CommandResult } from './output.ts';

/** Most problems that are printed. */
const maxProblems = 100;

/** Throws AppError `store_unavailable` if the file cannot be read as a log. */
export function check(path: string): CommandResult {
  const archive = openReadOnly(path);
  try {
    return checkArchive(path, archive);
  } finally {
    archive.close();
  }
}

function checkArchive(path: string, archive: ReadOnlyStore): CommandResult {
  const complaints = archive.integrityProblems();
  if (complaints.length > 0) {
    const remedy = 'The file is damaged. Restore a backup, or save what is left with "sqlite3 FILE .recover".';
    return { exitCode: 1, lines: [...complaints.map((complaint) => `${path}: ${complaint}`), remedy] };
  }
  const problems = archive
    .orphans()
    .map((id) => `conversation ${id} has rows or turns and no entry in the conversations table`);
  const ids = archive.conversations();
  let rows = 0;
  for (const id of ids) {
    const audited = checkConversation(archive, id);
    rows += audited.rows;
    problems.push(...audited.problems.map((problem) => `conversation ${id}: ${problem}`));
  }
  const summary = `${path}: ${counted(ids.length, 'conversation')}, ${counted(rows, 'row')}.`;
  if (problems.length === 0) return { exitCode: 0, lines: [`${summary} Everything is in order.`] };
  const more = problems.length > maxProblems ? [`... and ${problems.length - maxProblems} more`] : [];
  return {
    exitCode: 1,
    lines: [...problems.slice(0, maxProblems), ...more, `${summary} ${counted(problems.length, 'problem')}.`],
  };
}

function checkConversation(archive: ReadOnlyStore, id: string): { rows: number; problems: string[] } {
  const record = archive.record(id);
  if (record === null) return { rows: 0, problems: [] };
  const open = record.turns.filter((turn) => turn.endSeq === null).map((turn) => turn.requestId);
  const imported = new Set(record.turns.filter((turn) => turn.imported).map((turn) => turn.requestId));
  const audit = auditLog(record);
  const unreadable: string[] = [];
  const rowsOfOpen: LogRow[] = [];
  let rows = 0;
  for (const { row, unreadable: columns } of archive.rows(id)) {
    rows += 1;
    audit.row(row);
    if (row.request_id !== null && open.includes(row.request_id)) rowsOfOpen.push(row);
    // Rows of another program may hold any content. It counts as absent.
    if (columns.length > 0 && row.request_id !== null && !imported.has(row.request_id))
      unreadable.push(`row ${row.seq} cannot be read: ${columns.join(', ')}`);
  }
  return { rows, problems: [...audit.problems(), ...unreadable, ...foldProblems(rowsOfOpen, open)] };
}

/** Checks that activation can fold the open turns. */
function foldProblems(rows: readonly LogRow[], open: readonly string[]): string[] {
  try {
    foldLog(rows, open, 0);
    return [];
  } catch (error) {
    return [`its open turns cannot be folded: ${String(error)}`];
  }
}

const counted = (count: number, what: string) => `${count.toLocaleString('en-US')} ${what}${count === 1 ? '' : 's'}`;
