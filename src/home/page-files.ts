/** Reads the files of the start page, its icon, and the documentation that it links to. */
import { globSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The files as text. A document is read when it is asked for. */
export interface PageFiles {
  /** A template with `{{name}}` for each value. */
  html: string;
  css: string;
  /** The style sheet with the colours, which the inspector loads too. */
  colors: string;
  icon: string;
  /** Paths within docs/ of the documents that the start page lists, the index first. */
  docs: readonly string[];
  /** The text of a document, by its path within docs/; null if docs/ has no such document. Rejects if its file cannot be read. */
  readDoc(path: string): Promise<string | null>;
}

const project = join(import.meta.dirname, '..', '..');
const folder = join(project, 'docs');

/** Reads the page's own files now, and a document on request. */
export function readPageFiles(): PageFiles {
  const own = (name: string) => readFileSync(join(import.meta.dirname, 'page', name), 'utf8');
  const inspectors = (name: string) => readFileSync(join(project, 'src', 'inspect', 'page', name), 'utf8');
  const all = new Set(globSync('**/*.md', { cwd: folder }));
  return {
    html: own('home.html'),
    css: own('home.css'),
    colors: inspectors('colors.css'),
    icon: inspectors('icon.svg'),
    docs: ['README.md', ...[...all].filter((path) => /^(?:tutorials|how-to)\//.test(path)).sort()],
    async readDoc(path) {
      return all.has(path) ? readFile(join(folder, path), 'utf8') : null;
    },
  };
}
