/**
 * Reads the lists of tools, prompts, resources and templates. An entry that violates the protocol is left out and
 * reported; the SDK would reject the whole list. Pure, except for the report.
 */
import { isSpecType } from '@modelcontextprotocol/client';
import { isObject, textOf, type JsonObject } from '../../json.ts';
import { sanitizeToLength } from '../content/sanitize-text.ts';
import { described, fits } from './content-blocks.ts';
import { isFlag, isText, listOf, objectOf, withoutMisfits, withoutNulls, type Check } from './members.ts';

/** For a name in the log. */
const MAX_NAME_CHARS = 128;

interface ListKind {
  /** The member of the result that has the list. */
  key: string;
  noun: string;
  /** The members that name an entry, the best first. */
  names: readonly string[];
  read(entry: JsonObject): JsonObject;
  isValid: Check;
}

const hints = { readOnlyHint: isFlag, destructiveHint: isFlag, idempotentHint: isFlag, openWorldHint: isFlag };

/** Nulls inside the schema are data. At its root Go writes them for an empty `properties` or `required`. */
function readSchema(schema: JsonObject): JsonObject {
  const { properties, required, ...others } = schema;
  return {
    ...others,
    ...(properties === undefined || properties === null
      ? {}
      : { properties: Array.isArray(properties) && properties.length === 0 ? {} : properties }),
    ...(required === undefined || required === null ? {} : { required }),
  };
}

/** Where a listed tool has its output schema, among its metadata. */
export const OUTPUT_SCHEMA = 'parley/outputSchema';

/**
 * Moves the output schema into the metadata, for the description: compiled it could block the process, and with it the SDK
 * rejects a result without structured content.
 */
function readTool({ inputSchema, outputSchema, annotations, execution, ...tool }: JsonObject): JsonObject {
  const { _meta, ...read } = withoutMisfits(tool, described);
  const meta = {
    ...(isObject(_meta) ? _meta : {}),
    ...(isObject(outputSchema) ? { [OUTPUT_SCHEMA]: outputSchema } : {}),
  };
  return {
    ...read,
    ...(Object.keys(meta).length === 0 ? {} : { _meta: meta }),
    inputSchema: isObject(inputSchema) ? readSchema(inputSchema) : inputSchema,
    ...(isObject(annotations) ? { annotations: withoutMisfits(annotations, { title: isText, ...hints }) } : {}),
    ...(fits(isSpecType.ToolExecution, execution) ? { execution } : {}),
  };
}

function readPrompt({ arguments: stated, ...prompt }: JsonObject): JsonObject {
  const args = listOf(stated).map((each) =>
    isObject(each) ? withoutMisfits(each, { title: isText, description: isText, required: isFlag }) : each,
  );
  return { ...withoutMisfits(prompt, described), ...(Array.isArray(stated) ? { arguments: args } : {}) };
}

function readResourceEntry(resource: JsonObject): JsonObject {
  const { annotations } = resource;
  return withoutMisfits(
    isObject(annotations) ? { ...resource, annotations: withoutNulls(annotations) } : resource,
    described,
  );
}

const kinds: Readonly<Record<string, ListKind>> = {
  'tools/list': { key: 'tools', noun: 'tool', names: ['name'], read: readTool, isValid: isSpecType.Tool },
  'prompts/list': { key: 'prompts', noun: 'prompt', names: ['name'], read: readPrompt, isValid: isSpecType.Prompt },
  'resources/list': {
    key: 'resources',
    noun: 'resource',
    names: ['name', 'uri'],
    read: readResourceEntry,
    isValid: isSpecType.Resource,
  },
  'resources/templates/list': {
    key: 'resourceTemplates',
    noun: 'resource template',
    names: ['name', 'uriTemplate'],
    read: readResourceEntry,
    isValid: isSpecType.ResourceTemplate,
  },
};

/** Reads the result of a method that lists. Null for other methods. Calls `report` for each entry that is left out. */
export function readListResult(method: string, result: unknown, report: (line: string) => void): JsonObject | null {
  const kind = kinds[method];
  if (kind === undefined) return null;
  const { nextCursor, ...others } = Array.isArray(result) ? { [kind.key]: result } : objectOf(result);
  const entries = listOf(others[kind.key]).flatMap((entry, index) => {
    const read = isObject(entry) ? kind.read(entry) : entry;
    if (fits(kind.isValid, read)) return [read];
    report(
      `the ${kind.noun} ${nameOf(entry, kind) ?? `number ${index + 1}`} is not offered: its definition violates the protocol`,
    );
    return [];
  });
  return { ...others, [kind.key]: entries, ...cursorOf(nextCursor) };
}

/** Some servers end a list with null or an empty cursor, and some count with numbers. */
function cursorOf(cursor: unknown): { nextCursor?: string } {
  if (typeof cursor === 'number') return { nextCursor: String(cursor) };
  const text = textOf(cursor);
  return text === null ? {} : { nextCursor: text };
}

function nameOf(entry: unknown, { names }: ListKind): string | null {
  const stated = isObject(entry) ? names.map((key) => textOf(entry[key])).find((name) => name !== null) : null;
  return stated ? `"${sanitizeToLength(stated, MAX_NAME_CHARS)}"` : null;
}
