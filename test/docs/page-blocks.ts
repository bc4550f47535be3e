/** Reads the fenced blocks of a Markdown page, each with the mark that says how a test runs it. */

/** A mark stands in a comment above its block: `<!-- test: server -->`. README of the marks: docs/explanation/testing.md. */
export type Mark =
  | { kind: 'run'; exitCode: number; needs: string | null }
  | { kind: 'background'; until: string }
  | { kind: 'file'; name: string; isWrong: boolean }
  | { kind: 'skip'; reason: string };

export interface Block {
  /** Of its first fence, from 1. */
  line: number;
  /** Empty for a block without a language. */
  language: string;
  text: string;
  mark: Mark | null;
  /** The block without a language that follows with only blank lines between: what the commands print. */
  output: string | null;
}

/** What a server prints when it is ready. */
const LISTENS = 'listens at';

/** Throws for a mark that is not known, and for a fence that does not end. */
export function blocksOf(page: string): Block[] {
  const blocks: Block[] = [];
  const lines = page.split('\n');
  let mark: Mark | null = null;
  /** The block that an output may still belong to. */
  let above: Block | null = null;
  for (let index = 0; index < lines.length; index++) {
    const line = lines[index] ?? '';
    const fence = /^( *)```(\w*)/.exec(line);
    if (!fence) {
      const words = /^ *<!-- test: (.+) -->$/.exec(line)?.[1];
      if (words !== undefined) mark = readMark(words);
      else if (line.trim() !== '') [mark, above] = [null, null];
      continue;
    }
    const [, indent = '', language = ''] = fence;
    const end = lines.findIndex((each, at) => at > index && each.trimEnd() === `${indent}\`\`\``);
    if (end < 0) throw new Error(`the block on line ${index + 1} has no end`);
    const text = lines
      .slice(index + 1, end)
      .map((each) => each.slice(indent.length))
      .join('\n');
    if (language === '' && above !== null) above.output = text;
    const block: Block = { line: index + 1, language, text, mark, output: null };
    if (language !== '') blocks.push(block);
    above = language === '' ? null : block;
    mark = null;
    index = end;
  }
  return blocks;
}

function readMark(words: string): Mark {
  const [kind = '', ...rest] = words.split(' ');
  const detail = rest.join(' ');
  if (kind === 'server') return { kind: 'background', until: LISTENS };
  if (kind === 'background') return { kind, until: detail };
  if (kind === 'file' || kind === 'wrong-file') return { kind: 'file', name: detail, isWrong: kind === 'wrong-file' };
  if (kind === 'skip') return { kind, reason: detail };
  if (kind === 'exit') return { kind: 'run', exitCode: Number(detail), needs: null };
  if (kind === 'needs') return { kind: 'run', exitCode: 0, needs: detail };
  throw new Error(
    `"${words}" is not a mark: use server, background TEXT, file NAME, wrong-file NAME, skip REASON, exit CODE, needs PROGRAM`,
  );
}

/**
 * Compares what commands printed with what a page shows. `...` in a line stands for any text, a line of `...` alone
 * for any lines. Spaces at the ends of lines do not count.
 */
export function printsAsShown(printed: string, shown: string): boolean {
  const pattern = shown
    .trimEnd()
    .split('\n')
    .map((line) =>
      line.trim() === '...' ? '(?:.*\\n)*?' : `${line.trimEnd().split('...').map(RegExp.escape).join('.*')} *\\n`,
    )
    .join('');
  return new RegExp(`^${pattern}\\s*$`).test(`${printed.trimEnd()}\n`);
}
