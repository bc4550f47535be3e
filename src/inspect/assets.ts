/** The files of the page, read once: what is served is what is in the folder, and nothing above it. */
import { readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';

export interface Asset {
  type: string;
  content: Buffer;
}

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
};

/** By name. Files of other kinds are not served. */
export function readAssets(): ReadonlyMap<string, Asset> {
  const folder = join(import.meta.dirname, 'page');
  const names = readdirSync(folder).filter((name) => extname(name) in TYPES);
  return new Map(
    names.map((name) => [name, { type: TYPES[extname(name)] ?? '', content: readFileSync(join(folder, name)) }]),
  );
}
