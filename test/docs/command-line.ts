/**
 * Writes docs/reference/command-line.md from the help texts of the command line. Run it after a change of those:
 * node test/docs/command-line.ts. A test fails while the page is out of date.
 */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commandNames, isCommandName, usageOf } from '../../src/cli/help.ts';

const path = 'docs/reference/command-line.md';

/** The generated file: its path within the project, and the text that belongs there. */
export function commandLinePage(): { path: string; text: string } {
  const commands = commandNames.filter(isCommandName);
  const helps = commands.map((name) => `## ${name}\n\n\`\`\`text\n${usageOf(name).trimEnd()}\n\`\`\``);
  return { path, text: `${[opening, ...helps].join('\n\n')}\n` };
}

const opening = `# Command line

<!-- Written by test/docs/command-line.ts from src/cli/help.ts. Change those, not this. -->

\`./run.sh COMMAND --help\` prints the help of a command. A wrong command line ends with exit code 2, one sentence and the
synopsis. Every command may be piped: it waits for a slow reader, and ends without an error when the reader closes the
pipe, as \`head\` does.

\`\`\`text
${usageOf('run').trimEnd()}
\`\`\``;

if (import.meta.main) {
  const { path: file, text } = commandLinePage();
  await writeFile(join(import.meta.dirname, '..', '..', file), text);
}
