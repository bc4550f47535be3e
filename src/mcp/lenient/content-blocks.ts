/**
 * Reads the content blocks of tool results and prompts, and the contents of resources. A block that cannot be read
 * becomes a text that says so, because the server may have acted: the other blocks must stay. Pure.
 */
import { isSpecType } from '@modelcontextprotocol/client';
import { isDeeperThan, isObject, textOf, type JsonObject } from '../../json.ts';
import { readBase64 } from './base64.ts';
import { isNumber, isText, listOf, withoutMisfits, withoutNulls, type Check } from './members.ts';

/** Writing a value as JSON recurses level by level. */
const MAX_LEVELS = 200;
/** Of base64 in a text. */
const MAX_DATA_CHARS = 100;
/** For binary content of which neither the block nor its `data:` URL has the type. */
const UNKNOWN_TYPE = 'application/octet-stream';

/** True if `check` accepts the value. The SDK's schemas recurse, and overflow the stack on thousands of levels. */
export function fits(check: Check, value: unknown): boolean {
  return !isDeeperThan(value, MAX_LEVELS) && check(value);
}

const isAnnotations: Check = (value) => isObject(value) && fits(isSpecType.Annotations, value);
const isIcons: Check = (value) => fits((icons) => isSpecType.Icons({ icons }), value);

/** Optional members that blocks, resources, prompts and tools have in common. */
export const described: Readonly<Record<string, Check>> = {
  title: isText,
  description: isText,
  mimeType: isText,
  size: isNumber,
  icons: isIcons,
  annotations: isAnnotations,
  _meta: isObject,
};

/** A content block of text. */
export function textBlock(text: string): JsonObject {
  return { type: 'text', text };
}

/** Broken base64 helps neither the model nor people. */
function withoutData(key: string, value: unknown): unknown {
  const isLong = (key === 'data' || key === 'blob') && typeof value === 'string' && value.length > MAX_DATA_CHARS;
  return isLong ? `${value.length} characters` : value;
}

/** Returns any value as text: JSON if it is not a text already. Null and absent values are empty. */
export function writtenOut(value: unknown, replacer?: (key: string, value: unknown) => unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined || value === null) return '';
  return isDeeperThan(value, MAX_LEVELS) ? `more than ${MAX_LEVELS} levels` : JSON.stringify(value, replacer);
}

/** Reads a list of blocks, one block, or a text. Null stands for nothing. */
export function readBlocks(content: unknown): JsonObject[] {
  return listOf(content)
    .filter((block) => block !== null)
    .map((block) => {
      if (typeof block === 'string') return textBlock(block);
      const read = isObject(block) ? readBlock(withAnnotations(block)) : null;
      return read !== null && fits(isSpecType.ContentBlock, read) ? read : unreadable(block);
    });
}

/** Reads the `contents` of a resource. `uri` is the requested one, for parts without their own. */
export function readContents(contents: unknown, uri: string): JsonObject[] {
  return listOf(contents)
    .filter((part) => part !== null)
    .map((part) => {
      const read = isObject(part) ? readResource(part, uri) : null;
      return read ?? { uri, text: typeof part === 'string' ? part : String(unreadable(part)['text']) };
    });
}

function withAnnotations(block: JsonObject): JsonObject {
  const { annotations } = block;
  return withoutMisfits(
    isObject(annotations) ? { ...block, annotations: withoutNulls(annotations) } : block,
    described,
  );
}

/** Returns the block with valid members, or null if it has none of the known types. */
function readBlock(block: JsonObject): JsonObject | null {
  switch (block['type'] ?? ('text' in block ? 'text' : null)) {
    case 'text':
      return { ...block, type: 'text', text: writtenOut(block['text']) };
    case 'image':
    case 'audio': {
      const binary = readBase64(block['data']);
      const mimeType = block['mimeType'] ?? binary?.mimeType ?? UNKNOWN_TYPE;
      return binary === null ? null : { ...block, data: binary.data, mimeType };
    }
    case 'resource_link':
      return { ...block, name: textOf(block['name']) ?? textOf(block['uri']) };
    case 'resource': {
      const resource = isObject(block['resource']) ? readResource(block['resource'], '') : null;
      return resource === null ? null : { ...block, resource };
    }
    default:
      return null;
  }
}

/** Returns a part with its text or its binary content. Null if it has neither. */
function readResource(part: JsonObject, uri: string): JsonObject | null {
  const { text, blob, ...others } = withoutNulls(withoutMisfits(part, described));
  const whole = { ...others, uri: textOf(others['uri']) ?? uri };
  const binary = readBase64(blob);
  if (text === undefined && binary !== null)
    return { ...(binary.mimeType === null ? {} : { mimeType: binary.mimeType }), ...whole, blob: binary.data };
  return text === undefined ? null : { ...whole, text: writtenOut(text) };
}

function unreadable(block: unknown): JsonObject {
  return textBlock(`[content that Parley cannot read: ${writtenOut(block, withoutData)}]`);
}
