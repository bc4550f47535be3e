/**
 * Fills in the placeholders of a value in the servers' file: environment variables, and the few of other hosts whose
 * meaning is the same everywhere. Refuses the others by name: a server would get them as they are.
 */
import { homedir } from 'node:os';
import { sep } from 'node:path';
import { readVariable } from '../../environment-variable.ts';
import { ownValue } from '../../json.ts';

/** Thrown for a placeholder without a value. The message names it and what to do. */
export class PlaceholderProblem extends Error {}

const VARIABLE = /\$\{(?:env:)?([A-Za-z_][A-Za-z0-9_]*)(?::-([^}]*))?\}/g;
/** `{env:NAME}`, of opencode. */
const BRACED = /^\{env:([A-Za-z_][A-Za-z0-9_]*)\}$/;
/** `$NAME` as a whole value or after a space, of Gemini CLI. */
const PLAIN = /(?<=^|\s)\$([A-Z][A-Z0-9_]+)(?=$|\s)/g;
/** `${input:key}`, `${command:id}`, `${{ secrets.NAME }}`, `{file:path}`. Forms of a shell, such as `${NAME:+text}`, are not changed. */
const FOREIGN =
  /\$\{(?!env:)[A-Za-z]+:[A-Za-z./~][^}]*\}|\$\{\{[^}]*\}\}|^\{(?:file|input|secret):[^}]+\}$|^%[A-Za-z_][A-Za-z0-9_]*%$|^<[A-Za-z][\w -]*>$/;
/** Variables of VS Code's editor. */
const EDITOR = new Set([
  'workspaceFolder',
  'workspaceFolderBasename',
  'workspaceRoot',
  'file',
  'fileDirname',
  'relativeFile',
  'cwd',
  'execPath',
  'lineNumber',
  'selectedText',
]);
const SAME_EVERYWHERE: Readonly<Record<string, () => string>> = { userHome: homedir, pathSeparator: () => sep };

/** `isPlain`: `$NAME` is a variable too. Not in arguments, which a shell may read. Throws `PlaceholderProblem`. */
export function fillPlaceholders(value: string, env: NodeJS.ProcessEnv, isPlain: boolean): string {
  const foreign = FOREIGN.exec(value)?.[0];
  if (foreign !== undefined)
    throw new PlaceholderProblem(
      `${foreign} is a placeholder of another host; write the value, or \${NAME} for an environment variable`,
    );
  const variable = (name: string, fallback?: string): string => {
    const found = readVariable(env, name);
    // As with the shell's `:-`, the default replaces an empty variable too.
    if (found !== undefined && (found !== '' || fallback === undefined)) return found;
    if (fallback !== undefined) return fallback;
    const known = ownValue(SAME_EVERYWHERE, name);
    if (known !== undefined) return known();
    if (EDITOR.has(name))
      throw new PlaceholderProblem(
        `\${${name}} is a placeholder of an editor; write the path, or set an environment variable of this name`,
      );
    throw new PlaceholderProblem(
      `the environment variable ${name} is not set; set it, write \${${name}:-default}, or disable the server`,
    );
  };
  const filled = value
    .replaceAll(VARIABLE, (_whole, name: string, fallback: string | undefined) => variable(name, fallback))
    .replaceAll('${/}', sep);
  // A value that was filled in is not read again.
  if (filled !== value) return filled;
  const braced = value.replace(BRACED, (_whole, name: string) => variable(name));
  return isPlain && braced === value ? value.replaceAll(PLAIN, (_whole, name: string) => variable(name)) : braced;
}
