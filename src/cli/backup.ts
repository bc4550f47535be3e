/** Runs the command `backup`: copies the event log, also while the server runs. */
import { statSync } from 'node:fs';
import { copyDatabase } from '../store/file/copy.ts';
import type { CommandResult } from './output.ts';

/** Throws AppError `store_unavailable` with the reason if the copy cannot be made. */
export function backup(from: string, to: string): CommandResult {
  copyDatabase(from, to);
  const megabytes = (statSync(to).size / 1_000_000).toFixed(1);
  return { exitCode: 0, lines: [`Copied ${from} to ${to} (${megabytes} MB).`] };
}
