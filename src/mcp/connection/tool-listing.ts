/**
 * Selects and sanitizes the tools that one server lists. Their texts are untrusted and go into every prompt, so they
 * are sanitized and limited. A tool that cannot be offered is skipped with a reason for the log.
 */
import { createHash } from 'node:crypto';
import type { Tool as ListedTool, ToolAnnotations } from '@modelcontextprotocol/client';
import type { ServerTool, ToolEffect } from '../../../machines/mcp-server-types.ts';
import { isNamed } from '../../../machines/conversation/decisions/name-pattern.ts';
import { closest } from '../../config/suggest.ts';
import { isDeeperThan, isObject } from '../../json.ts';
import { isForModel } from '../content/audience.ts';
import { OUTPUT_SCHEMA } from '../lenient/lists.ts';
import { isPresentable, sanitizeText, sanitizeToLength } from '../content/sanitize-text.ts';

/** The limits of one server's tools. */
export interface ListingLimits {
  /** Of one server, and of all together. Every tool costs tokens in every request to a model. */
  maxTools: number;
  maxDescriptionChars: number;
  /** Of an output schema as JSON in the description. 0: none. */
  maxOutputSchemaChars: number;
  /** Of a tool's schema as JSON. */
  maxSchemaBytes: number;
}

/** Selects tools by the server's own names, in which `*` stands for any text. `excludeTools` takes precedence. */
export interface ToolChoice {
  /** Null for all. */
  includeTools: readonly string[] | null;
  excludeTools: readonly string[];
}

/** Which tools of a server are offered. */
export interface ToolSelection extends ToolChoice {
  /** False for a server that runs no calls as tasks, no matter what its tools say. */
  canRunTasks: boolean;
}

/** MCP's own limit since 2025-11-25. */
const MAX_NAME_CHARS = 128;
/** Of a tool, its schema above all: reading it recurses level by level. */
const MAX_LEVELS = 64;
/** OpenAI's limit for descriptions. A longer one is cut, and half a schema is of no use. */
const MAX_WHOLE_CHARS = 1_024;
/** Schema keys with text for people and models, in every dialect. */
const TEXT_KEYS = new Set(['title', 'description', '$comment']);

const HINTS = ['readOnlyHint', 'destructiveHint', 'idempotentHint', 'openWorldHint'] as const;

/** Returns the tools to offer, in the server's order. Calls `leaveOut` with a reason for each other tool. */
export function selectTools(
  listed: readonly ListedTool[],
  choice: ToolSelection,
  limits: ListingLimits,
  leaveOut: (reason: string) => void,
): ServerTool[] {
  const taken = new Map<string, ServerTool>();
  for (const tool of listed) {
    if (!isChosen(tool.name, choice) || !isForModel(tool)) continue;
    if (taken.size === limits.maxTools) {
      leaveOut(`it lists more than ${limits.maxTools} tools; the others are not offered`);
      break;
    }
    const rejection = taken.has(tool.name) ? 'is listed twice' : rejectionOf(tool, choice, limits);
    if (rejection === null) taken.set(tool.name, toServerTool(tool, limits));
    else leaveOut(`the tool "${sanitizeText(tool.name).slice(0, MAX_NAME_CHARS)}" is not offered: it ${rejection}`);
  }
  return [...taken.values()];
}

/** Returns configured names that the server does not list: misspelt, or removed by the server. `suggestion` is the nearest name. */
export function unknownNames(
  listed: readonly ListedTool[],
  {
    includeTools,
    excludeTools,
    toolTimeouts,
  }: ToolChoice & { readonly toolTimeouts: Readonly<Record<string, unknown>> },
): { key: string; name: string; suggestion: string | null }[] {
  const known = listed.map(({ name }) => name);
  const unknown = (key: string, names: readonly string[]) =>
    names
      .filter((name) => !known.some((tool) => isNamed(tool, [name])))
      .map((name) => ({ key, name, suggestion: closest(name, known) }));
  return [
    ...unknown('includeTools', includeTools ?? []),
    ...unknown('excludeTools', excludeTools),
    ...unknown('tool_timeouts', Object.keys(toolTimeouts)),
  ];
}

function isChosen(name: string, { includeTools, excludeTools }: ToolChoice): boolean {
  return (includeTools === null || isNamed(name, includeTools)) && !isNamed(name, excludeTools);
}

function rejectionOf(
  tool: ListedTool,
  { canRunTasks }: ToolSelection,
  { maxSchemaBytes }: ListingLimits,
): string | null {
  const { name, inputSchema } = tool;
  if (name === '' || name.length > MAX_NAME_CHARS) return `has a name of ${name.length} characters`;
  if (!isPresentable(name)) return 'has control characters in its name';
  if (isDeeperThan(tool, MAX_LEVELS)) return `has more than ${MAX_LEVELS} levels`;
  if (Buffer.byteLength(JSON.stringify(inputSchema)) > maxSchemaBytes)
    return `has a schema of more than ${maxSchemaBytes} bytes`;
  // The server would reject a plain call.
  if (tool.execution?.taskSupport === 'required' && !canRunTasks)
    return 'can only run as a task, and the server declares no tasks for calls';
  return null;
}

function toServerTool(listed: ListedTool, limits: ListingLimits): ServerTool {
  const { name, inputSchema, annotations = {} } = listed;
  const { maxDescriptionChars } = limits;
  const clean = (text: string | undefined) => sanitizeToLength(text ?? '', maxDescriptionChars);
  const title = clean(listed.title ?? annotations.title);
  return {
    name,
    title: title === '' ? null : title,
    description: withOutput(clean(listed.description), listed._meta?.[OUTPUT_SCHEMA], limits),
    inputSchema: sanitizeSchemaTexts(inputSchema),
    annotations: Object.fromEntries(
      HINTS.filter((hint) => typeof annotations[hint] === 'boolean').map((hint) => [hint, annotations[hint] === true]),
    ),
    idempotent: annotations.readOnlyHint === true || annotations.idempotentHint === true,
    effect: effectOf(annotations),
    definition: definitionOf(listed),
  };
}

/** The description with the output schema: no API has a field for it. A schema that is too large would be cut in the middle. */
function withOutput(description: string, outputSchema: unknown, { maxOutputSchemaChars }: ListingLimits): string {
  if (!isObject(outputSchema)) return description;
  const { $schema: _dialect, ...schema } = sanitizeSchemaTexts(outputSchema);
  const json = JSON.stringify(schema);
  const whole = [description, `Returns JSON of this schema: ${json}`].filter((part) => part !== '').join('\n\n');
  return json.length > maxOutputSchemaChars || whole.length > MAX_WHOLE_CHARS ? description : whole;
}

/** Sanitizes the texts of a schema, also of a form. Values with a meaning for the server, such as those of `enum`, stay as they are. */
export function sanitizeSchemaTexts(schema: Record<string, unknown>): Record<string, unknown> {
  const cleaned = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return TEXT_KEYS.has(key) ? sanitizeText(value) : value;
    if (Array.isArray(value)) return value.map((item) => cleaned(item, key === 'enumNames' ? 'title' : ''));
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([inner, each]) => [inner, cleaned(each, inner)]));
  };
  return Object.fromEntries(Object.entries(schema).map(([key, value]) => [key, cleaned(value, key)]));
}

/** MCP's defaults: `readOnlyHint` is false, `destructiveHint` is true and counts only if `readOnlyHint` is false. */
function effectOf({ readOnlyHint, destructiveHint }: ToolAnnotations): ToolEffect {
  if (readOnlyHint === true) return 'read_only';
  return destructiveHint === false ? 'additive' : 'destructive';
}

/** Hashes the tool's definition. The order of keys does not matter. */
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
