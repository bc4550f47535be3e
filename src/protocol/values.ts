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
