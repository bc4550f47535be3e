/**
 * Copies events and contexts for viewers. A copy has a bounded size, and contains content only if the configuration
 * includes it. Without content, a string is replaced by its length unless its field is in the list of names below. So a
 * new field is redacted until a developer adds it to the list.
 */

/** What a copy may contain. */
export interface RedactionLimits {
  /** Viewers see texts and arguments of people, models and tools. */
  includeContent: boolean;
  /** Most characters of one copy, roughly those of its JSON. */
  maxChars: number;
}

/** Fields whose strings are ids, kinds, names or states. */
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

/** Fields with content of people, models or tools. They are redacted whole: the names of inner fields are content too. */
const CONTENT = new Set([
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
/** Entries copied from an array or an object; the copy says how many more exist. */
const MAX_ENTRIES = 32;
const MAX_NAME_CHARS = 128;
const MAX_TEXT_CHARS = 400;
/** Cost of a value beyond its own characters: quotes, a comma, a colon. */
const OVERHEAD_CHARS = 4;

/** Returns a plain JSON value. Reads no more of `value` than fits, so the time is bounded too. */
export function redacted(
  value: unknown,
  { includeContent, maxChars }: RedactionLimits,
  maxTextChars = MAX_TEXT_CHARS,
): unknown {
  let left = maxChars;

  const shortened = (text: string, most: number) => {
    const cut = text.length <= most ? text : `${text.slice(0, most)}… (${text.length} characters)`;
    left -= cut.length;
    return cut.toWellFormed();
  };
  const copyText = (text: string, field: string) => {
    if (includeContent) return shortened(text, maxTextChars);
    return NAMES.has(field) && text.length <= MAX_NAME_CHARS
      ? shortened(text, MAX_NAME_CHARS)
      : shortened(`[${text.length} characters]`, MAX_NAME_CHARS);
  };

  const copy = (part: unknown, field: string, depth: number): unknown => {
    left -= OVERHEAD_CHARS;
    if (left <= 0) return '[cut]';
    switch (typeof part) {
      case 'string':
        return copyText(part, field);
      case 'number':
      case 'boolean':
        return part;
      case 'object':
        break;
      default:
        return part === undefined ? undefined : `[${typeof part}]`;
    }
    if (part === null) return null;
    if (!includeContent && CONTENT.has(field)) return '[redacted]';
    if (depth >= MAX_DEPTH) return '[cut]';
    if (part instanceof Map || part instanceof Set) return `[${part.size} entries]`;
    if (Array.isArray(part)) {
      const items: unknown[] = part.slice(0, MAX_ENTRIES).map((item) => copy(item, field, depth + 1));
      return part.length > MAX_ENTRIES ? [...items, `[${part.length - MAX_ENTRIES} more]`] : items;
    }
    const entries = Object.entries(part);
    const copied = entries.slice(0, MAX_ENTRIES).flatMap(([key, below]): [string, unknown][] => {
      if (left <= 0) return [];
      return [[shortened(key, MAX_NAME_CHARS), copy(below, key, depth + 1)]];
    });
    if (copied.length < entries.length) copied.push(['…', `${entries.length - copied.length} more`]);
    return Object.fromEntries(copied);
  };
  return copy(value, '', 0);
}
