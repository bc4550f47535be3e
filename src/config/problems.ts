/**
 * Turns issues of the schema into sentences: key path, what was found, what is allowed. Never repeats a value that may be
 * a secret.
 */
import type { z } from 'zod';
import type { ConfigDocument, Problem } from './document.ts';
import { describeAllowed, expectedAt, expectedConfig, keysOf } from './expected.ts';
import type { Expected } from './expected.ts';
import { dotted } from './places.ts';
import type { KeyPath } from './places.ts';
import { renamedTo } from './renamed-keys.ts';
import { closest } from './suggest.ts';

/** One problem for each issue of the schema. `root`: the JSON Schema of the document, by default the configuration's. */
export function schemaProblems(
  issues: readonly z.core.$ZodIssue[],
  document: ConfigDocument,
  root: Expected = expectedConfig(),
): Problem[] {
  return issues.flatMap((issue) => {
    const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => unknownKey(root, [...path, key], document));
    }
    return [wrongValue(root, path, issue, document)];
  });
}

function unknownKey(root: Expected, path: KeyPath, document: ConfigDocument): Problem {
  const key = String(path.at(-1));
  const renamed = renamedTo(path);
  if (renamed !== null) return { line: document.lineOf(path), path, text: `is now ${renamed}` };
  const siblings = keysOf(expectedAt(root, path.slice(0, -1)) ?? {}).map(([name]) => name);
  const meant = closest(key, siblings) ?? pathsTo(root, key)[0];
  const escape = siblings.includes('extra_body') ? ' If it is a parameter of the provider, put it into extra_body' : '';
  const help = meant ? `did you mean ${meant}?${escape}` : `known here: ${siblings.join(', ')}`;
  return { line: document.lineOf(path), path, text: `is not a known key; ${help}` };
}

/** The paths of all keys with this name. A right key in the wrong section is the most common mistake after a misspelt key. */
function pathsTo(section: Expected, name: string, above: KeyPath = []): string[] {
  return keysOf(section).flatMap(([key, expected]) => {
    const path = [...above, key];
    return key === name ? [dotted(path)] : pathsTo(expected, name, path);
  });
}

function wrongValue(root: Expected, path: KeyPath, issue: z.core.$ZodIssue, document: ConfigDocument): Problem {
  const expected = expectedAt(root, path);
  const own = issue.code === 'custom' ? issue.params?.['allowed'] : undefined;
  const allowed = typeof own === 'string' ? own : expected ? describeAllowed(expected) : issue.message;
  return { line: document.lineOf(path), path, text: `is ${shown(path, expected, document)}; allowed: ${allowed}` };
}

/** Users write API keys where the variable's name belongs, and tokens where the hash belongs. Terminals must not show them. */
function mayBeSecret(path: KeyPath): boolean {
  return path.some((step) => step === 'api_key' || step === 'api_key_env' || step === 'headers' || step === 'tokens');
}

function shown(path: KeyPath, expected: Expected | null, document: ConfigDocument): string {
  if (path.length > 0 && !document.states(path)) {
    return expected?.default === undefined ? 'missing' : `left at its default, ${JSON.stringify(expected.default)}`;
  }
  return mayBeSecret(path) ? 'a value not shown here' : document.found(path);
}

/** The problems of a file, sorted by line, after a first line that counts them. `what`: for example `The configuration`. */
export function listProblems(what: string, name: string, problems: readonly Problem[]): string {
  const lines = problems
    .toSorted((one, other) => one.line - other.line)
    .map(({ line, path, text }) => `  ${name}:${line}: ${dotted(path)} ${text}${text.endsWith('?') ? '' : '.'}`);
  const many = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
  return [`${what} has ${many}:`, ...lines].join('\n');
}
