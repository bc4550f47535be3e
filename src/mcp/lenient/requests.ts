/**
 * Reads what servers request and notify: null stands for an absent member in parameters, in messages for the model, and
 * in forms for people. Pure.
 */
import { isObject, type JsonObject } from '../../json.ts';
import { textBlock } from './content-blocks.ts';
import { isNumber, isText, objectOf, withoutMisfits, withoutNulls } from './members.ts';

/** Reads a request or a notification, with its id if it has one. */
export function readRequest({ method, id, params }: JsonObject): JsonObject {
  return {
    method,
    ...(id === undefined || id === null ? {} : { id }),
    ...(isObject(params) ? { params: readParams(method, params) } : {}),
  };
}

function readParams(method: unknown, params: JsonObject): JsonObject {
  const { _meta, ...others } = params;
  const meta = isObject(_meta) ? { _meta: withoutNulls(_meta) } : {};
  // The `data` of a log message may be null.
  if (method === 'notifications/message') return { ...meta, ...withoutMisfits(others, { logger: isText }) };
  const { messages, requestedSchema, ...plain } = withoutNulls(others);
  return {
    ...meta,
    ...(method === 'notifications/progress' ? withoutMisfits(plain, { total: isNumber, message: isText }) : plain),
    ...(messages === undefined ? {} : { messages: Array.isArray(messages) ? messages.map(readMessage) : messages }),
    ...(requestedSchema === undefined ? {} : { requestedSchema: readForm(requestedSchema) }),
  };
}

/** Reads a message of a sampling request. */
function readMessage(message: unknown): unknown {
  if (!isObject(message)) return message;
  const { content, ...others } = withoutNulls(message);
  const block = (each: unknown) => (isObject(each) ? withoutNulls(each) : each);
  if (typeof content === 'string') return { ...others, content: textBlock(content) };
  return { ...others, content: Array.isArray(content) ? content.map(block) : block(content) };
}

/** A form has no null that means anything, other than the schema of a tool. */
function readForm(schema: unknown): unknown {
  if (!isObject(schema)) return schema;
  const fields = Object.entries(objectOf(schema['properties']));
  return {
    ...withoutNulls(schema),
    properties: Object.fromEntries(
      fields.map(([name, field]) => [name, isObject(field) ? withoutNulls(field) : field]),
    ),
  };
}
