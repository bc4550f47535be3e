/**
 * Reads the results of requests by their method, so that the SDK's schemas accept them. What a server did is never
 * thrown away: an optional member that cannot be read is dropped, a value of another shape is put where it belongs.
 */
import { isObject, textOf, type JsonObject } from '../../json.ts';
import { readBlocks, readContents, textBlock, writtenOut } from './content-blocks.ts';
import { readDiscovered, readInitialized } from './handshake.ts';
import { readListResult } from './lists.ts';
import { isFlag, isNumber, isText, listOf, objectOf, withoutMisfits } from './members.ts';
import { readRequest } from './requests.ts';

/** The request that a result answers. */
export interface Asked {
  method: string;
  /** The resource of `resources/read`; empty for other methods. */
  uri: string;
  /** True since revision 2026-07-28, whose results state their type and how long they may be cached. */
  isStateless: boolean;
}

/** Results without content. The SDK rejects any member in them. */
const EMPTY = new Set(['ping', 'logging/setLevel', 'resources/subscribe', 'resources/unsubscribe']);
/** Members that are no content of a tool's result. */
const OUTSIDE_CONTENT = new Set(['_meta', 'resultType', 'isError']);

/** Returns a result that the SDK's schemas accept, if there is one. Calls `report` for what is left out of a list. */
export function readResult(asked: Asked, result: unknown, report: (line: string) => void): JsonObject {
  const { method } = asked;
  if (EMPTY.has(method)) return {};
  const read = readListResult(method, result, report) ?? readByMethod(asked, result);
  const clean = withoutMisfits(read, { _meta: isObject, ttlMs: isTtl, cacheScope: isScope });
  return asked.isStateless ? { ...statelessDefaults(clean), ...clean } : clean;
}

function isTtl(value: unknown): boolean {
  return Number.isInteger(value) && Number(value) >= 0;
}

function isScope(value: unknown): boolean {
  return value === 'public' || value === 'private';
}

function statelessDefaults({ inputRequests }: JsonObject): JsonObject {
  return { resultType: inputRequests === undefined ? 'complete' : 'input_required', ttlMs: 0, cacheScope: 'private' };
}

function readByMethod({ method, uri, isStateless }: Asked, result: unknown): JsonObject {
  const stated = withoutMisfits(objectOf(result), {
    resultType: isText,
    inputRequests: isObject,
    requestState: isText,
  });
  if (stated['inputRequests'] !== undefined || stated['resultType'] === 'input_required')
    return readInputRequired(stated);
  switch (method) {
    case 'tools/call':
      if (isTask(stated)) return stated;
      return readToolResult(isObject(result) ? stated : { content: result }, isStateless);
    case 'prompts/get':
      return readPrompt(stated);
    case 'resources/read':
      return { ...stated, contents: readContents(isObject(result) ? stated['contents'] : result, uri) };
    case 'completion/complete':
      return { ...stated, completion: readCompletion(objectOf(stated['completion'])) };
    case 'initialize':
      return readInitialized(stated);
    case 'server/discover':
      return readDiscovered(stated);
    default:
      return stated;
  }
}

/** Since 2026-07-28 a server asks for input within the result. */
function readInputRequired({ inputRequests, ...others }: JsonObject): JsonObject {
  if (inputRequests === undefined) return others;
  const read = Object.entries(objectOf(inputRequests)).map(
    ([key, request]) => [key, isObject(request) ? readRequest(request) : request] as const,
  );
  return { ...others, inputRequests: Object.fromEntries(read) };
}

/** A task in place of a result (`task-result.ts`): its fields since 2026-07-28, or `task` with them in 2025-11-25. */
function isTask({ resultType, taskId, task, content }: JsonObject): boolean {
  if (resultType === 'task') return textOf(taskId) !== null;
  return content === undefined && textOf(objectOf(task)['taskId']) !== null;
}

function readToolResult(result: JsonObject, isStateless: boolean): JsonObject {
  const { content, structuredContent, isError, ...others } = result;
  const isBare = content === undefined && structuredContent === undefined;
  const unknown = Object.entries(others).filter(([key]) => !OUTSIDE_CONTENT.has(key));
  return {
    ...others,
    content:
      isBare && unknown.length > 0
        ? [textBlock(writtenOut(Object.fromEntries(unknown)))]
        : readBlocks(typeof content === 'number' || typeof content === 'boolean' ? String(content) : content),
    ...structured(structuredContent, isStateless),
    ...(isError === true || isError === 'true' ? { isError: true } : {}),
  };
}

/** Up to 2025-11-25 it must be an object. Others are wrapped, as the SDK's servers do. */
function structured(value: unknown, isStateless: boolean): JsonObject {
  if (value === undefined || value === null) return {};
  return { structuredContent: isStateless || isObject(value) ? value : { result: value } };
}

function readPrompt({ messages, ...others }: JsonObject): JsonObject {
  const read = listOf(messages).flatMap((message) => {
    if (typeof message === 'string') return [{ role: 'user', content: textBlock(message) }];
    const { role, content } = objectOf(message);
    return readBlocks(isObject(message) ? content : message).map((block) => ({
      role: role === 'assistant' ? 'assistant' : 'user',
      content: block,
    }));
  });
  return { ...withoutMisfits(others, { description: isText }), messages: read };
}

/** The specification's limit for one completion, which the SDK enforces. */
const MAX_COMPLETIONS = 100;

function readCompletion(completion: JsonObject): JsonObject {
  const values = listOf(completion['values'])
    .filter((value) => value !== null)
    .map((value) => textOf(value) ?? writtenOut(value));
  return {
    ...withoutMisfits(completion, { total: isNumber, hasMore: isFlag }),
    values: values.slice(0, MAX_COMPLETIONS),
  };
}
