/**
 * Strikes secrets from everything that a server's connection reports: reasons, log lines, results and lists. Servers and
 * libraries quote headers, addresses and variables in their errors, and clients see these texts. Pure.
 */
import { isObject } from '../../json.ts';
import type { ServerBlock } from '../config/server-block.ts';
import { secretsOf } from './block-secrets.ts';

/** The filter of one server. */
export interface SecretFilter {
  /** For errors, reasons and log lines: strikes all values of the block, and what has the form of a secret. */
  report(text: string): string;
  /** The value with `report` applied to all of its texts. */
  reportAll<Value>(value: Value): Value;
  /** For results, which are of use only unchanged: strikes only what is certain to be a secret. */
  contentAll<Value>(value: Value): Value;
  /** The same for lists and questions, without their names and addresses: these go back to the server. */
  listAll<Value>(value: Value): Value;
}

const STRUCK = '[secret]';

/** User and password in an address, and keys in its query. */
const IN_ADDRESSES: readonly (readonly [RegExp, string])[] = [
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"'<>]+@/gi, `$1${STRUCK}@`],
  [
    /([?&][\w.-]*(?:key|token|secret|passw|pwd|auth|signature|sig)[\w.-]*=)(?:\[secret\]|[^&\s"'<>#)\]]+)/gi,
    `$1${STRUCK}`,
  ],
  [/\b(bearer|basic)\s+(?=[\w.~+/=-]*\d)[\w.~+/=-]{8,}/gi, `$1 ${STRUCK}`],
];

const filters = new WeakMap<ServerBlock, SecretFilter>();

/** One filter for a block. */
export function secretFilterOf(block: ServerBlock): SecretFilter {
  const known = filters.get(block);
  if (known !== undefined) return known;
  const { sure, possible } = secretsOf(block);
  const all = replacer([...sure, ...possible]);
  const certain = replacer(sure);
  const report = (text: string) =>
    IN_ADDRESSES.reduce((before, [form, replacement]) => before.replace(form, replacement), all(text));
  const made: SecretFilter = {
    report,
    reportAll: (value) => mapTexts(value, report),
    contentAll: (value) => (sure.length === 0 ? value : mapTexts(value, certain)),
    listAll: (value) => (sure.length === 0 ? value : mapTexts(value, certain, KEPT)),
  };
  filters.set(block, made);
  return made;
}

function replacer(secrets: readonly string[]): (text: string) => string {
  const forms = [...new Set(secrets.flatMap(formsOf))].toSorted((one, other) => other.length - one.length);
  if (forms.length === 0) return (text) => text;
  const pattern = new RegExp(forms.map((form) => RegExp.escape(form)).join('|'), 'g');
  return (text) => text.replace(pattern, STRUCK);
}

/** The secret as it is, in a URL, in base64 and in JSON. */
function formsOf(secret: string): string[] {
  const bytes = Buffer.from(secret);
  return [
    secret,
    encodeURIComponent(secret),
    encodeURI(secret),
    new URLSearchParams({ '': secret }).toString().slice(1),
    bytes.toString('base64'),
    // The padding may be missing.
    bytes.toString('base64').replace(/=+$/, ''),
    bytes.toString('base64url'),
    JSON.stringify(secret).slice(1, -1),
  ];
}

/** Keys of texts that go back to the server as they are. */
const KEPT = new Set(['uri', 'name', 'toolName', 'definition', 'key', 'requestState']);

/** The value itself if nothing in it changes. */
function mapTexts<Value>(value: Value, change: (text: string) => string, kept?: ReadonlySet<string>): Value;
function mapTexts(value: unknown, change: (text: string) => string, kept: ReadonlySet<string> = new Set()): unknown {
  if (typeof value === 'string') return change(value);
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => mapTexts(item, change, kept));
    return items.every((item, index) => item === value[index]) ? value : items;
  }
  if (!isObject(value)) return value;
  const entries = Object.entries(value).map(([key, inner]): [string, unknown] => [
    key,
    kept.has(key) && typeof inner === 'string' ? inner : mapTexts(inner, change, kept),
  ]);
  return entries.every(([key, inner]) => inner === value[key]) ? value : Object.fromEntries(entries);
}
