/**
 * Defines the values that requests, results and frames share: ids, row numbers, cursors, pages. The place that uses a
 * value describes its meaning.
 */
import { z } from 'zod';

/** An id that a client chooses: opaque. Control characters and lone surrogates are rejected, because they could not be shown or compared. */
export const clientId = z
  .string()
  // oxlint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u001f\u007f-\u009f]{1,128}$/, 'expected 1 to 128 characters without control characters')
  .refine((text) => text.isWellFormed(), 'expected well-formed Unicode');

export const conversationId = clientId.describe('The conversation.');

export const ownConversationId = clientId
  .optional()
  .describe("The conversation. If absent, the socket's own conversation, which its first chat creates.");

/** A whole number from 0. */
export const count = z.int().min(0);

/** The number of a row: from 1, without gaps in each conversation, assigned at commit. */
export const seq = z.int().min(1);

/** The position of a client: the last row that it has, and its part of the message after that row. */
export const cursor = z.object({
  after_seq: count.default(0).describe('The last row that the client has. 0 if none.'),
  message_id: clientId.optional().describe('A message that the client has in part.'),
  offset: count.optional().describe('Length of its text that the client has, in UTF-16 units. If absent, 0.'),
  reasoning_offset: count.optional().describe('The same for its reasoning.'),
});

/** The fields of a request for a page of a list. */
export const page = {
  cursor: z.string().optional().describe('The `next_cursor` of the previous page. If absent, the first page.'),
  limit: z.int().min(1).max(200).default(50).describe('Maximum number of entries.'),
};

export const nextCursor = z.string().nullable().describe('The `cursor` for the next page. Null on the last page.');

/** UTF-16 units of a name or URI of an MCP server, and of a value for an argument of a prompt. */
const MAX_ARGUMENT = 10_000;

/** A name that an MCP server gave to something. */
export const mcpName = z.string().min(1).max(MAX_ARGUMENT);

export const mcpServerName = mcpName.describe('The name of the MCP server in the configuration.');

/** May be empty. */
export const argumentText = z.string().max(MAX_ARGUMENT);

export const promptArguments = z.record(argumentText, argumentText).default({});

/** A prompt of an MCP server with its arguments. */
export const filledPrompt = z.object({
  server: mcpServerName,
  name: mcpName.describe('The prompt.'),
  arguments: promptArguments.describe('Values of its arguments.'),
});
