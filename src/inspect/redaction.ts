/**
 * What inspection lets out of an event or a context: a copy that is bounded, whatever is in it, and that holds no
 * texts unless the configuration says so. Strings are told by their length alone unless their field is on the list
 * of names and numbers below, so that a field which somebody adds tomorrow is redacted until somebody looks.
 */

export interface RedactionLimits {
  /** Whether texts and arguments of people, models and tools may be seen. */
  texts: boolean;
  /** The most characters that one copy may take, roughly those of its JSON. */
  maxChars: number;
}

/** Fields whose strings name things: ids, kinds and states. */
const NAMES = new Set([
  'type',
  'of',
  'kind',
  'id',
  'status',
  'stage',
  'mode',
  'code',
  'name',
  'server',
  'toolName',
  'provider',
  'providers',
  'model',
  'permission',
  'decision',
  'disposition',
  'finishReason',
  'finish_reason',
  'owner',
  'conversationId',
  'requestId',
  'callId',
  'messageId',
  'interruptId',
  'request_id',
  'tool_call_id',
  'call_id',
  'interrupt_id',
  'tool_name',
  'expires_at',
  'role',
  'session',
  'timestamp',
  'target',
]);

/** Fields that hold what somebody wrote, whatever is in it; the names of its fields are theirs too. */
const TEXTS = new Set([
  'arguments',
  'edited',
  'content',
  'text',
  'reasoning',
  'messages',
  'inputSchema',
  'description',
  'data',
  'draft',
  'metadata',
]);

const MAX_DEPTH = 8;
/** Of an array or an object; further ones are counted. */
const MAX_ENTRIES = 32;
const MAX_NAME_CHARS = 128;
const MAX_TEXT_CHARS = 400;
/** Quotes, a comma, a colon: what a value costs beside its own characters. */
const OVERHEAD_CHARS = 4;

/** A plain JSON value. Looks at no more of `value` than fits, so that its cost is bounded as well. */
export function redacted(value: unknown, { texts, maxChars }: RedactionLimits, maxTextChars = MAX_TEXT_CHARS): unknown {
  let left = maxChars;

  const said = (text: string, most: number) => {
    const cut = text.length <= most ? text : `${text.slice(0, most)}… (${text.length} characters)`;
    left -= cut.length;
    return cut.toWellFormed();
  };
  const told = (text: string, field: string) => {
    if (texts) return said(text, maxTextChars);
    return NAMES.has(field) && text.length <= MAX_NAME_CHARS
      ? said(text, MAX_NAME_CHARS)
      : said(`[${text.length} characters]`, MAX_NAME_CHARS);
  };

  const copy = (part: unknown, field: string, depth: number): unknown => {
    left -= OVERHEAD_CHARS;
    if (left <= 0) return '[cut]';
    switch (typeof part) {
      case 'string':
        return told(part, field);
      case 'number':
      case 'boolean':
        return part;
      case 'object':
        break;
      default:
        return part === undefined ? undefined : `[${typeof part}]`;
    }
    if (part === null) return null;
    if (!texts && TEXTS.has(field)) return '[redacted]';
    if (depth >= MAX_DEPTH) return '[cut]';
    if (part instanceof Map || part instanceof Set) return `[${part.size} entries]`;
    if (Array.isArray(part)) {
      const items: unknown[] = part.slice(0, MAX_ENTRIES).map((item) => copy(item, field, depth + 1));
      return part.length > MAX_ENTRIES ? [...items, `[${part.length - MAX_ENTRIES} more]`] : items;
    }
    const entries = Object.entries(part);
    const copied = entries.slice(0, MAX_ENTRIES).flatMap(([key, below]): [string, unknown][] => {
      if (left <= 0) return [];
      return [[said(key, MAX_NAME_CHARS), copy(below, key, depth + 1)]];
    });
    if (copied.length < entries.length) copied.push(['…', `${entries.length - copied.length} more`]);
    return Object.fromEntries(copied);
  };
  return copy(value, '', 0);
}
