/** Compares two configurations, and builds the one that a reload can apply. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { AppError } from '../errors.ts';
import { expectation } from '../explain-issue.ts';
import { dotted, type KeyPath } from './places.ts';
import { needsRestart } from './restart-keys.ts';
import { configSchema, type Config } from './schema/schema.ts';
import { valueAt } from '../json.ts';

/** The result of a reload. Key paths name keys, never values. */
export interface ConfigChanges {
  /** The new configuration, with the old values of the keys that need a restart. */
  config: Config;
  /** Keys whose new value applies from now on. */
  reloaded: string[];
  /** Keys that changed and keep the old value until a restart. */
  needRestart: string[];
}

/** Throws AppError `config_invalid` if the new values conflict with the old values of keys that need a restart. */
export function changesBetween(before: Config, after: Config): ConfigChanges {
  const changed = changedKeys(before, after);
  const needRestart = changed.filter(needsRestart);
  const config = structuredClone(after);
  for (const path of needRestart) setAt(config, path, valueAt(before, path));
  const kept = needRestart.map(dotted);
  const { error } = configSchema.safeParse(config);
  if (error) {
    const problems = error.issues.map((issue) => `  ${dotted(issue.path.map(step))} must be ${allowed(issue)}.`);
    throw new AppError(
      'config_invalid',
      [
        `The new configuration needs a restart. Without it, ${kept.join(', ')} would keep the old value, and with that:`,
        ...problems,
      ].join('\n'),
    );
  }
  return { config, reloaded: changed.filter((path) => !needsRestart(path)).map(dotted), needRestart: kept };
}

/** Compares sections key by key, and lists as a whole. */
function changedKeys(before: unknown, after: unknown, path: KeyPath = []): KeyPath[] {
  if (isDeepStrictEqual(before, after)) return [];
  if (!isSection(before) || !isSection(after)) return [path];
  const keys = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...keys].flatMap((key) => changedKeys(before[key], after[key], [...path, key]));
}

function isSection(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function setAt(root: unknown, path: KeyPath, value: unknown): void {
  const section = valueAt(root, path.slice(0, -1));
  const key = path.at(-1);
  if (isSection(section) && key !== undefined) section[key] = value;
}

function step(key: PropertyKey): string | number {
  return typeof key === 'number' ? key : String(key);
}

/** What the schema allows at the key. Rules between keys state it as `allowed`. */
function allowed(issue: z.core.$ZodIssue): string {
  return issue.code === 'custom' && isSection(issue.params) ? String(issue.params['allowed']) : expectation(issue);
}
