/**
 * From what one server lists to the tools that Parley takes. All of it is text by strangers that goes into every
 * prompt, so it is made legible and held to limits; what cannot be offered is left out, with a reason for the log.
 */
import { createHash } from 'node:crypto';
import type { Tool as ListedTool, ToolAnnotations } from '@modelcontextprotocol/client';
import type { ServerTool, ToolEffect } from '../../../machines/mcp-server-types.ts';
import { closest } from '../../config/suggest.ts';
import { isDeeperThan } from '../../json.ts';
import { legible, plainText } from '../content/sanitize-text.ts';

export interface ListingLimits {
  /** Of one server, and of all together; every tool costs tokens in every request to a model. */
  maxTools: number;
  maxDescriptionChars: number;
  /** Of a tool's schema as JSON. */
  maxSchemaBytes: number;
}

/** Which of a server's tools are wanted, by the server's own names; the second is the stronger. */
export interface ToolChoice {
  /** Null: all. */
  includeTools: readonly string[] | null;
  excludeTools: readonly string[];
}

/** The MCP's own limit since 2025-11-25; longer ones have no use but to harm. */
const MAX_NAME_CHARS = 128;
/** Of a tool, its schema above all. What reads it does so level by level. */
const MAX_LEVELS = 64;
/** Keys of a schema that hold words for people and models, in every dialect. */
const WORDS = new Set(['title', 'description', '$comment']);

const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'] as const;

/** The tools to offer, in the server's order. `leaveOut` is told why one is not, once for each. */
export function takeTools(
  listed: readonly ListedTool[],
  choice: ToolChoice,
  limits: ListingLimits,
  leaveOut: (reason: string) => void,
): ServerTool[] {
  const taken = new Map<string, ServerTool>();
  for (const tool of listed) {
    if (!isChosen(tool.name, choice)) continue;
    if (taken.size === limits.maxTools) {
      leaveOut(`it lists more than ${limits.maxTools} tools; the others are not offered`);
      break;
    }
    const fault = taken.has(tool.name) ? 'is listed twice' : faultOf(tool, limits);
    if (fault === null) taken.set(tool.name, takeTool(tool, limits));
    else leaveOut(`the tool "${legible(tool.name).slice(0, MAX_NAME_CHARS)}" is not offered: it ${fault}`);
  }
  return [...taken.values()];
}

/** Names that are chosen and not on the server's list, because of a slip or because the server has changed; `meant` is the nearest on it. */
export function unknownNames(
  listed: readonly ListedTool[],
  { includeTools, excludeTools }: ToolChoice,
): { key: string; name: string; meant: string | null }[] {
  const known = listed.map(({ name }) => name);
  const unknown = (key: string, names: readonly string[]) =>
    names.filter((name) => !known.includes(name)).map((name) => ({ key, name, meant: closest(name, known) }));
  return [...unknown('includeTools', includeTools ?? []), ...unknown('excludeTools', excludeTools)];
}

function isChosen(name: string, { includeTools, excludeTools }: ToolChoice): boolean {
  return (includeTools === null || includeTools.includes(name)) && !excludeTools.includes(name);
}

function faultOf(tool: ListedTool, { maxSchemaBytes }: ListingLimits): string | null {
  const { name, inputSchema } = tool;
  if (name === '' || name.length > MAX_NAME_CHARS) return `has a name of ${name.length} characters`;
  if (name !== legible(name)) return 'has control characters in its name';
  if (isDeeperThan(tool, MAX_LEVELS)) return `has more than ${MAX_LEVELS} levels`;
  if (Buffer.byteLength(JSON.stringify(inputSchema)) > maxSchemaBytes)
    return `has a schema of more than ${maxSchemaBytes} bytes`;
  // Tasks were an experiment of 2025-11-25 alone; a server refuses such a tool to who does not make them.
  if (tool.execution?.taskSupport === 'required') return 'can only run as a task';
  return null;
}

function takeTool(listed: ListedTool, { maxDescriptionChars }: ListingLimits): ServerTool {
  const { name, inputSchema, annotations = {} } = listed;
  const words = (text: string | undefined) => plainText(text ?? '', maxDescriptionChars);
  const title = words(listed.title ?? annotations.title);
  return {
    name,
    title: title === '' ? null : title,
    description: words(listed.description),
    inputSchema: withLegibleWords(inputSchema),
    annotations: Object.fromEntries(
      HINTS.filter((hint) => typeof annotations[hint] === 'boolean').map((hint) => [hint, annotations[hint] === true]),
    ),
    harmless: annotations.readOnlyHint === true || annotations.idempotentHint === true,
    effect: effectOf(annotations),
    definition: definitionOf(listed),
  };
}

/** The same schema, but for words that hide something; values that count, such as those of `enum`, stay as they are. */
function withLegibleWords(schema: Record<string, unknown>): Record<string, unknown> {
  const cleaned = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return WORDS.has(key) ? legible(value) : value;
    if (Array.isArray(value)) return value.map((item) => cleaned(item, ''));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([inner, each]) => [inner, cleaned(each, inner)]));
  };
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, cleaned(value, key)]));
}

/** The defaults are the MCP's: `readOnlyHint` false, `destructiveHint` true, and the latter counts only where the former is false. */
function effectOf({ readOnlyHint, destructiveHint }: ToolAnnotations): ToolEffect {
  if (readOnlyHint === true) return 'read_only';
  return destructiveHint === false ? 'additive' : 'destructive';
}

/** A mark of all that a tool says of itself. Two definitions with the same mark are the same, in whatever order their keys come. */
function definitionOf({ name, title, description, inputSchema, annotations }: ListedTool): string {
  const sorted = (_key: string, value: unknown) =>
    typeof value === 'object' && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value;
  return createHash('sha256')
    .update(JSON.stringify([name, title, description, inputSchema, annotations], sorted))
    .digest('base64url')
    .slice(0, 22);
}
