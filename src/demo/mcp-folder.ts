/**
 * What the demo server's `list_folder` may see: entries of folders below one root. Paths that
 * lead out of it, by `..`, from the top, or through a symbolic link, are refused.
 */
import { opendir, realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';

/** Enough for a look around; a folder of a million files costs no more. */
const MAX_ENTRIES = 200;

async function openBelow(root: string, path: string) {
  const top = await realpath(root);
  // Links are followed first: one that points outside is outside.
  const folder = await realpath(resolve(top, path));
  const inside = relative(top, folder);
  return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? null : opendir(folder);
}

/** The entries of `path` below `root`, folders with a trailing slash, sorted, one a line. Throws with a reason fit for the caller. */
export async function listFolder(root: string, path: string): Promise<string> {
  // The same words for what is not there and what lies outside, so that nothing outside is told.
  const folder = await openBelow(root, path).catch(() => null);
  if (folder === null) throw new Error(`There is no folder "${path}" below the root of this server.`);

  const lines: string[] = [];
  let more = false;
  for await (const entry of folder) {
    more = lines.length === MAX_ENTRIES;
    if (more) break;
    lines.push(entry.isDirectory() ? `${entry.name}/` : entry.name);
  }
  lines.sort();
  if (more) lines.push(`[only the first ${MAX_ENTRIES} entries that were found]`);
  return lines.join('\n') || '[empty]';
}
