/**
 * The values that requests, results and frames share: ids, numbers of rows, places in a text. Says what may
 * stand there; what it means in a place is said in that place.
 */
import { z } from 'zod';

/** An id that a client chooses: opaque, and refused where it could not be shown or compared. */
export const clientId = z
  .string()
  // oxlint-disable-next-line no-control-regex
  .regex(/^[^\u0000-\u001f\u007f-\u009f]{1,128}$/, 'expected 1 to 128 characters without control characters')
  .refine((text) => text.isWellFormed(), 'expected well-formed Unicode');

export const conversationId = clientId.describe('The conversation.');

export const ownConversationId = clientId
  .optional()
  .describe("The conversation; absent is the socket's own, which is made at its first chat.");

export const count = z.int().min(0);

/** The number of a row: from 1 without gaps in each conversation, given at commit. */
export const seq = z.int().min(1);

/** Where a client stands: the last row it has, and what it has of the message after that. */
export const cursor = z.object({
  after_seq: count.default(0).describe('The last row that the client has; 0 is none.'),
  message_id: clientId.optional().describe('A message of which the client has a part.'),
  offset: count.optional().describe('How much of its text the client has, in UTF-16 units; absent is 0.'),
  reasoning_offset: count.optional().describe('The same of its reasoning.'),
});

/** The fields of a request for a page of a list. */
export const page = {
  cursor: z.string().optional().describe('The `next_cursor` of the page before; absent is the first page.'),
  limit: z.int().min(1).max(200).default(50).describe('Most entries of the page.'),
};

export const nextCursor = z.string().nullable().describe('The `cursor` of the next page; null on the last.');

/** UTF-16 units of a name or URI of an MCP server, and of a value for an argument of a prompt. */
const MAX_ARGUMENT = 10_000;

export const mcpName = z.string().min(1).max(MAX_ARGUMENT);

export const mcpServerName = mcpName.describe('The MCP server, as it is configured.');

/** May be empty. */
export const argumentText = z.string().max(MAX_ARGUMENT);

export const promptArguments = z.record(argumentText, argumentText).default({});

/** A prompt of an MCP server with its arguments. */
export const filledPrompt = z.object({
  server: mcpServerName,
  name: mcpName.describe('The prompt.'),
  arguments: promptArguments.describe('What its arguments are filled in with.'),
});
