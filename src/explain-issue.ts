/**
 * Says what a schema expected, in Parley's words. zod's own messages change with its version, so none of them may reach a
 * client, a user or the log.
 */
import type { z } from 'zod';
import { cutText } from './cut-text.ts';

/** Units of a key or value that a message repeats, in UTF-16 units. */
const SHOWN_CHARS = 60;
/** Keys and values that a message lists. */
const SHOWN_ENTRIES = 20;

/** An issue while zod reads, or after it: `code` says which details it has. */
interface Issue {
  readonly code?: string | undefined;
  readonly expected?: unknown;
  readonly origin?: unknown;
  readonly minimum?: unknown;
  readonly maximum?: unknown;
  readonly inclusive?: unknown;
  readonly exact?: unknown;
  readonly format?: unknown;
  readonly divisor?: unknown;
  readonly keys?: unknown;
  readonly values?: unknown;
  readonly options?: unknown;
  readonly errors?: unknown;
  readonly issues?: unknown;
}

/** For `safeParse`: gives every issue without a message of its own schema one of this file, such as `expected text, found null`. */
export const ownWords = {
  error: (issue: z.core.$ZodRawIssue): string => `expected ${expectation(issue)}${found(issue)}`,
};

/** What the schema expects, without a verb: `text`, `3 or more`, `one of "a", "b"`. */
export function expectation(issue: Issue): string {
  switch (issue.code) {
    case 'invalid_type':
      return types.get(String(issue.expected)) ?? 'a value of another type';
    case 'too_small':
      return bound(issue, issue.minimum, { text: 'at least', number: 'or more', open: 'more than' });
    case 'too_big':
      return bound(issue, issue.maximum, { text: 'at most', number: 'or less', open: 'less than' });
    case 'invalid_format':
      return formats.get(String(issue.format)) ?? 'text in another form';
    case 'not_multiple_of':
      return `a multiple of ${String(issue.divisor)}`;
    case 'unrecognized_keys':
      return `no key ${listed(issue.keys)}`;
    case 'invalid_value':
      return oneOf(issue.values);
    case 'invalid_union':
      return alternatives(issue);
    case 'invalid_key':
      return `another key (${inner(issue.issues)})`;
    case 'invalid_element':
      return `another entry (${inner(issue.issues)})`;
    default:
      return 'another value';
  }
}

/** The place of an issue, with dots. Long keys are cut. Empty for the whole value. */
export function issuePath(path: readonly PropertyKey[]): string {
  return path.map((step) => cut(String(step))).join('.');
}

const types = new Map([
  ['string', 'text'],
  ['number', 'a number'],
  ['int', 'a whole number'],
  ['boolean', 'true or false'],
  ['array', 'a list'],
  ['tuple', 'a list'],
  ['object', 'an object'],
  ['record', 'an object'],
  ['null', 'null'],
  ['undefined', 'nothing'],
  ['never', 'nothing'],
  ['nonoptional', 'a value'],
]);

const formats = new Map([
  ['url', 'a URL'],
  ['email', 'an email address'],
  ['datetime', 'a time in ISO 8601'],
  ['uuid', 'a UUID'],
]);

/** For a wrong type only: a value that is too large is not shown. */
function found(issue: z.core.$ZodRawIssue): string {
  return issue.code === 'invalid_type' ? `, found ${kindOf(issue.input)}` : '';
}

function kindOf(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  switch (typeof value) {
    case 'string':
      return 'text';
    case 'boolean':
      return 'true or false';
    case 'number':
      return 'another number';
    default:
      return 'an object';
  }
}

function bound(issue: Issue, limit: unknown, words: { text: string; number: string; open: string }): string {
  const unit = units.get(String(issue.origin));
  const amount = String(limit);
  if (issue.exact === true) return `exactly ${amount}${unit === undefined ? '' : ` ${unit}`}`;
  if (unit !== undefined) return `${words.text} ${amount} ${amount === '1' ? (singular.get(unit) ?? unit) : unit}`;
  return issue.inclusive === false ? `${words.open} ${amount}` : `${amount} ${words.number}`;
}

/** By zod's name of what has a size. Numbers have none. */
const units = new Map([
  ['string', 'characters'],
  ['array', 'entries'],
  ['set', 'entries'],
  ['map', 'entries'],
  ['record', 'entries'],
  ['object', 'entries'],
]);
const singular = new Map([
  ['characters', 'character'],
  ['entries', 'entry'],
]);

/** What each alternative of a union expects. An alternative that fails further inside is not described. */
function alternatives(issue: Issue): string {
  const options: unknown = issue.options;
  if (Array.isArray(options) && options.length > 0) return oneOf(options);
  const errors: readonly (readonly z.core.$ZodIssue[])[] = Array.isArray(issue.errors) ? issue.errors : [];
  const words = errors.flatMap(([first]) => (first === undefined || first.path.length > 0 ? [] : [expectation(first)]));
  return words.length === 0 ? 'a value of another form' : [...new Set(words)].join(', or ');
}

function inner(issues: unknown): string {
  const [first]: readonly z.core.$ZodIssue[] = Array.isArray(issues) ? issues : [];
  return first === undefined ? 'of another form' : expectation(first);
}

function oneOf(values: unknown): string {
  const many = Array.isArray(values) && values.length > 1;
  return `${many ? 'one of ' : ''}${listed(values)}`;
}

function listed(values: unknown): string {
  const all: readonly unknown[] = Array.isArray(values) ? values : [values];
  const shown = all
    .slice(0, SHOWN_ENTRIES)
    .map((value) => (typeof value === 'string' ? `"${cut(value)}"` : String(value)));
  return [...shown, ...(all.length > shown.length ? ['...'] : [])].join(', ');
}

function cut(text: string): string {
  return cutText(text.toWellFormed(), SHOWN_CHARS);
}
