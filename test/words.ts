/**
 * Finds words that the repository does not use, in code, comments, messages and documents, and gives the plain
 * replacement of each. `node test/words.ts` lists all of them; with `--lower` it lowers the numbers in
 * words-allowed.json to what is left.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { basename, extname, join } from 'node:path';

export interface FoundWord {
  file: string;
  /** From 1. */
  line: number;
  word: string;
  instead: string;
}

/** Occurrences that are left in a file, by its path. */
export type AllowedWords = Readonly<Record<string, number>>;

/** Whole words in lower case, their forms separated by `|`, and what to write instead. */
const BANNED: Readonly<Record<string, string>> = {
  'whoever|whomever': 'the client, the caller, the operator, ...',
  'whatever|whichever': 'any; or name the thing',
  'nobody|somebody|anybody|everybody': 'name the actor: no client, another process, each user, ...',
  'hear|hears|heard|hearing': 'receives, is notified',
  'tell|tells|told|telling': 'sends, reports, says, serializes, notifies; "tell apart" is "distinguish"',
  'stranger|strangers': 'untrusted, unauthenticated',
  anew: 'again, from the start',
  'for good': 'permanently',
  'however it came': 'for any reason',
  'farewell|goodbye': 'close',
  'door|doors|doorkeeper|doorkeepers': 'listener, access check, authorizer',
  'shelf|shelves': 'cache, list',
  'drawer|drawers': 'store, credentials',
  'last words': 'final output, pending replies',
  'time and again': 'repeatedly',
  'by and by': 'gradually, in the background',
  'left alone|leave alone|leaves alone': 'skipped, not called, not changed; for a provider "its circuit is open"',
  'laid down|lay down|lays down': 'suspended',
  'wish|wishes|wished': 'request, setting',
  'want of': 'lack of',
  'to be had': 'available',
  'betimes|hither|thither|whence|lest': 'early, here, there, from where, so that ... not',
  'none of ours': 'not from Parley',
  'in line': 'queued, in the queue',
  'turned away|turn away|turns away': 'rejected',
};

/** English in which the words of a phrase mean something else. */
const HONEST = /^for good (?:reason|measure|cause)/;

/** Text from outside that has to stay as it is, by file, with the reason. */
export const QUOTED: readonly { file: string; text: string; why: string }[] = [
  { file: 'src/demo/model-tools.ts', text: 'tell me )?the current time', why: 'words of users to the demo model' },
];

/** Files that are not checked: the list itself and its test, which quote the words. */
const EXEMPT = new Set(['test/words.ts', 'test/words.test.ts', 'LICENSE']);

const EXTENSIONS = new Set(['.ts', '.mjs', '.md', '.html', '.css', '.yaml', '.yml', '.sh']);

const root = join(import.meta.dirname, '..');
const allowedFile = join(import.meta.dirname, 'words-allowed.json');

/** Between the words of a phrase: white space, also a line break inside a comment. */
const GAP = String.raw`[\s*/#]+`;
const advice = Object.entries(BANNED).flatMap(([forms, instead]) =>
  forms.split('|').map((form) => [form, instead] as const),
);
const insteadOf = new Map(advice);
const banned = new RegExp(`\\b(?:${advice.map(([form]) => form.replaceAll(' ', GAP)).join('|')})\\b`, 'gi');

/** Finds banned words in a text. Identifiers count word by word: `toldAbout`, `laid_down`. */
export function findWords(file: string, text: string): FoundWord[] {
  const quoted = QUOTED.filter((quote) => quote.file === file).map((quote) => quote.text);
  const words = quoted
    .reduce((rest, quote) => rest.replaceAll(quote, quote.replaceAll(/\w/g, '-')), text)
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1 $2')
    .replaceAll(/([A-Z])([A-Z][a-z])/g, '$1 $2')
    .replaceAll('_', ' ');
  let line = 1;
  let counted = 0;
  return [...words.matchAll(banned)].flatMap(({ 0: found, index }): FoundWord[] => {
    if (HONEST.test(words.slice(index, index + 40).toLowerCase())) return [];
    for (let at = words.indexOf('\n', counted); at !== -1 && at < index; at = words.indexOf('\n', at + 1)) {
      line += 1;
      counted = at + 1;
    }
    const word = found.toLowerCase().replaceAll(new RegExp(GAP, 'g'), ' ');
    return [{ file, line, word, instead: insteadOf.get(word) ?? '' }];
  });
}

/**
 * Finds banned words in all files that git knows or would add, by file. The released sections of the changelog are
 * history and left out. Null where there is no git checkout.
 */
export function findAllWords(): Map<string, FoundWord[]> | null {
  const files = listFiles();
  if (files === null) return null;
  const byFile = files.map((file): [string, FoundWord[]] => {
    const text = readText(file);
    return [file, findWords(file, file === 'CHANGELOG.md' ? unreleased(text) : text)];
  });
  return new Map(byFile.filter(([, found]) => found.length > 0));
}

/** Explains each difference between what was found and what is allowed: a sentence a file, its words below. */
export function compareWords(found: ReadonlyMap<string, readonly FoundWord[]>, allowed: AllowedWords): string[] {
  const files = [...new Set([...found.keys(), ...Object.keys(allowed)])].toSorted();
  return files.flatMap((file) => {
    const words = found.get(file) ?? [];
    const most = allowed[file] ?? 0;
    if (words.length < most)
      return [`${file} has ${words.length} banned words left, not ${most}: run \`node test/words.ts --lower\`.`];
    return words.length === most ? [] : [`${file} may have ${most} banned words:`, ...words.map(describe)];
  });
}

/**
 * Lowers each number to what was found and removes files without any. A number never rises: a file that moved takes
 * its number along only if its name stayed the same.
 */
export function lowerAllowed(found: ReadonlyMap<string, readonly FoundWord[]>, allowed: AllowedWords): AllowedWords {
  const gone = Object.keys(allowed).filter((file) => !found.has(file));
  const lowered = [...found].flatMap(([file, { length }]): [string, number][] => {
    const moved = gone.find((old) => basename(old) === basename(file));
    const most = allowed[file] ?? (moved === undefined ? undefined : allowed[moved]);
    return most === undefined ? [] : [[file, Math.min(most, length)]];
  });
  return Object.fromEntries(lowered.toSorted(([one], [other]) => (one < other ? -1 : 1)));
}

/** Numbers in words-allowed.json. */
export function readAllowed(): AllowedWords {
  return JSON.parse(readFileSync(allowedFile, 'utf8'));
}

function listFiles(): string[] | null {
  try {
    const output = execFileSync('git', ['ls-files', '-z', '--cached', '--others', '--exclude-standard'], {
      cwd: root,
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    return output.split('\0').filter((file) => EXTENSIONS.has(extname(file)) && !EXEMPT.has(file));
  } catch {
    return null;
  }
}

/** Empty for a file that was deleted and not yet removed from the index. */
function readText(file: string): string {
  try {
    return readFileSync(join(root, file), 'utf8');
  } catch {
    return '';
  }
}

function unreleased(changelog: string): string {
  const [head = '', first = ''] = changelog.split(/^(?=## )/m);
  return first.startsWith('## Unreleased') ? head + first : head;
}

function describe({ file, line, word, instead }: FoundWord): string {
  return `  ${file}:${line}: "${word}"; write instead: ${instead}`;
}

if (process.argv[1] === import.meta.filename) {
  const found = findAllWords() ?? new Map<string, FoundWord[]>();
  if (process.argv.includes('--lower'))
    writeFileSync(allowedFile, `${JSON.stringify(lowerAllowed(found, readAllowed()), null, 2)}\n`);
  else for (const words of found.values()) for (const word of words) process.stdout.write(`${describe(word)}\n`);
}
