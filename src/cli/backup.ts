/** The command `backup`: a copy of the event log, made while the server runs or not. */
import { statSync } from 'node:fs';
import { copyDatabase } from '../store/file/copy.ts';
import type { CommandResult } from './output.ts';

/** Throws AppError `store_unavailable` with the reason when there is no copy in the end. */
export function backup(from: string, to: string): CommandResult {
  copyDatabase(from, to);
  const megabytes = (statSync(to).size / 1_000_000).toFixed(1);
  return { exitCode: 0, lines: [`Copied ${from} to ${to} (${megabytes} MB).`] };
}
