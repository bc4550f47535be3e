/**
 * Turns issues of the schema into sentences: key path, what was found, what is allowed. Never repeats a value that may be
 * a secret.
 */
import type { z } from 'zod';
import { expectation } from '../explain-issue.ts';
import type { ConfigDocument, Problem } from './document.ts';
import { clientKeyAdvice } from './client-keys.ts';
import { describeAllowed, expectedAt, expectedConfig, keysOf } from './expected.ts';
import type { Expected } from './expected.ts';
import { dotted, isSection } from './places.ts';
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
      return issue.keys.flatMap((key) => unknownKey(root, [...path, key], document));
    }
    return [wrongValue(root, path, issue, document)];
  });
}

/**
 * The problem of a key that `section`, by default the one above it, does not know. A section that belongs elsewhere also
 * gets a problem for each of its keys that is not known there: one list names all of them.
 */
function unknownKey(
  root: Expected,
  path: KeyPath,
  document: ConfigDocument,
  section: KeyPath = path.slice(0, -1),
): Problem[] {
  const key = String(path.at(-1));
  const line = document.lineOf(path);
  const renamed = renamedTo(path);
  if (renamed !== null) return [{ line, path, text: `is now ${renamed}` }];

  const advice = clientKeyAdvice(path);
  if (advice !== null) return [{ line, path, text: `is not a known key; ${advice}` }];

  const value = document.valueAt(path);
  const siblings = keysOf(expectedAt(root, section) ?? {});
  const similar = closest(
    key,
    siblings.filter(([, expected]) => isSameKind(value, expected)).map(([name]) => name),
  );
  const target =
    similar === null ? pathsTo(root, key).find((to) => fits(value, expectedAt(root, to))) : [...section, similar];
  const names = siblings.map(([name]) => name);
  const meant = similar ?? (target && dotted(target));
  const isProvider = names.includes('extra_body');
  const escape = isProvider ? ' If it is a parameter of the provider, put it into extra_body' : '';
  const known = isProvider ? `remove it.${escape}` : `known here: ${names.join(', ')}`;
  const where = dotted(path.slice(0, -1)) === dotted(section) ? '' : ` of ${dotted(section)}`;
  const text = `is not a known key${where}; ${meant ? `did you mean ${meant}?${escape}` : known}`;
  return [{ line, path, text }, ...(target ? strayKeys(root, path, document, target) : [])];
}

/** A problem for each key below the section at `path` that would be unknown at `target`, where that section belongs. */
function strayKeys(root: Expected, path: KeyPath, document: ConfigDocument, target: KeyPath): Problem[] {
  const value = document.valueAt(path);
  const expected = expectedAt(root, target);
  if (!isSection(value) || expected?.type !== 'object') return [];
  return Object.keys(value).flatMap((key) =>
    expectedAt(root, [...target, key]) === null
      ? unknownKey(root, [...path, key], document, target)
      : strayKeys(root, [...path, key], document, [...target, key]),
  );
}

/** False for a section in the place of a plain value, and the reverse. */
function isSameKind(value: unknown, expected: Expected): boolean {
  return value === null || expected.type === undefined || isSection(value) === (expected.type === 'object');
}

/** Whether `value` can belong there. A section can if a key of it is known there. */
function fits(value: unknown, expected: Expected | null): boolean {
  if (expected === null || !isSameKind(value, expected)) return false;
  const keys = isSection(value) ? Object.keys(value) : [];
  return keys.length === 0 || keys.some((key) => expectedAt(expected, [key]) !== null);
}

/** The paths of all keys with this name. A right key in the wrong section is the most common mistake after a misspelt key. */
function pathsTo(section: Expected, name: string, above: KeyPath = []): KeyPath[] {
  return keysOf(section).flatMap(([key, expected]) => {
    const path = [...above, key];
    return key === name ? [path] : pathsTo(expected, name, path);
  });
}

function wrongValue(root: Expected, path: KeyPath, issue: z.core.$ZodIssue, document: ConfigDocument): Problem {
  const expected = expectedAt(root, path);
  const own = issue.code === 'custom' ? issue.params?.['allowed'] : undefined;
  const allowed = typeof own === 'string' ? own : expected ? describeAllowed(expected) : expectation(issue);
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
