/** Reads the files that the start page consists of and links to: its own, its icon, and the documentation. */
import { readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

export interface PageFiles {
  /** With `{{name}}` where a value belongs. */
  html: string;
  css: string;
  /** The style sheet with the colours, which the inspector loads too. */
  colors: string;
  icon: string;
  /** Names of the documents, the README first. */
  docs: readonly string[];
  /** The text of a document; null for a name that is none of `docs`. Rejects if its file cannot be read. */
  readDoc(name: string): Promise<string | null>;
}

const project = join(import.meta.dirname, '..', '..');
const README = 'README.md';

/** Reads the page's own files at once and a document when it is asked for. */
export function readPageFiles(): PageFiles {
  const own = (name: string) => readFileSync(join(import.meta.dirname, 'page', name), 'utf8');
  const inspectors = (name: string) => readFileSync(join(project, 'src', 'inspect', 'page', name), 'utf8');
  const docs = [
    README,
    ...readdirSync(join(project, 'docs'))
      .filter((name) => name.endsWith('.md'))
      .sort(),
  ];
  return {
    html: own('home.html'),
    css: own('home.css'),
    colors: inspectors('colors.css'),
    icon: inspectors('icon.svg'),
    docs,
    async readDoc(name) {
      if (!docs.includes(name)) return null;
      return readFile(name === README ? join(project, name) : join(project, 'docs', name), 'utf8');
    },
  };
}
