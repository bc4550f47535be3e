/** Reads the files of the start page, its icon, and the documentation that it links to. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface PageFiles {
  /** A template with `{{name}}` for each value. */
  html: string;
  css: string;
  icon: string;
  /** Names of the documents, the README first. */
  docs: readonly string[];
  /** The text of a document; null if the name is not in `docs`. Rejects if its file cannot be read. */
  readDoc(name: string): Promise<string | null>;
}

const project = join(import.meta.dirname, '..', '..');
const README = 'README.md';

/** Reads the page's own files now, and a document on request. */
export function readPageFiles(): PageFiles {
  const own = (name: string) => readFileSync(join(import.meta.dirname, 'page', name), 'utf8');
  const docs = [
    README,
    ...readdirSync(join(project, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .sort(),
  ];
  return {
    html: own('home.html'),
    css: own('home.css'),
    icon: readFileSync(join(project, 'src', 'inspect', 'page', 'icon.svg'), 'utf8'),
    docs,
    async readDoc(name) {
      if (!docs.includes(name)) return null;
      return readFile(name === README ? join(project, name) : join(project, 'docs', name), 'utf8');
    },
  };
}
