/**
 * Lists folders below one root for the demo server's `list_folder`. Rejects paths that lead outside: with `..`, as
 * absolute paths, or through a symbolic link.
 */
import { opendir, realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';

/** Bounds the cost of a folder with a million files. */
const MAX_ENTRIES = 200;

async function openBelow(root: string, path: string) {
  const top = await realpath(root);
  // realpath resolves links first: a link that points outside counts as outside.
  const folder = await realpath(resolve(top, path));
  const inside = relative(top, folder);
  return inside === '..' || inside.startsWith(`..${sep}`) || isAbsolute(inside) ? null : opendir(folder);
}

/** Returns the sorted entries of `path` below `root`, one a line, folders with a trailing slash. Throws an Error fit for the model. */
export async function listFolder(root: string, path: string): Promise<string> {
  // The same message for missing and for outside paths, so that it reveals nothing about what is outside.
  const folder = await openBelow(root, path).catch(() => null);
  if (folder === null) throw new Error(`No folder "${path}" exists below the root of this server.`);

  const lines: string[] = [];
  let more = false;
  for await (const entry of folder) {
    more = lines.length === MAX_ENTRIES;
    if (more) break;
    lines.push(entry.isDirectory() ? `${entry.name}/` : entry.name);
  }
  lines.sort();
  if (more) lines.push(`[only ${MAX_ENTRIES} entries are listed]`);
  return lines.join('\n') || '[empty]';
}
