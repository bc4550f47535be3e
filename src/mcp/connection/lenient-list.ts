/**
 * Lists a server's tools and skips those that violate the protocol. The SDK accepts a list only as a whole. It is tried
 * first all the same, because it keeps parts of the list for the headers of later calls.
 */
import { SdkError, SdkErrorCode, isSpecType } from '@modelcontextprotocol/client';
import type { Client, Tool } from '@modelcontextprotocol/client';
import { z } from 'zod';
import { sanitizeToLength } from '../content/sanitize-text.ts';

/** The SDK's own limit for a list. */
const MAX_PAGES = 64;
/** For a name in the log. */
const MAX_NAME_CHARS = 128;

const page = z.looseObject({ tools: z.array(z.unknown()), nextCursor: z.string().optional() });
const named = z.object({ name: z.string() });

/** Rejects with the SDK's errors. Calls `leaveOut` for each invalid tool, with its name or its number. */
export async function listTools(
  client: Client,
  timeoutMs: number,
  leaveOut: (reason: string) => void,
): Promise<Tool[]> {
  try {
    return (await client.listTools(undefined, { timeout: timeoutMs, cacheMode: 'refresh' })).tools;
  } catch (error) {
    if (!(error instanceof SdkError) || error.code !== SdkErrorCode.InvalidResult) throw error;
  }
  const tools: Tool[] = [];
  let seen = 0;
  for (let pages = 0, cursor: string | undefined; pages < MAX_PAGES; pages += 1) {
    const listed = await client.request(
      { method: 'tools/list', params: cursor === undefined ? {} : { cursor } },
      page,
      { timeout: timeoutMs },
    );
    for (const tool of listed.tools) {
      seen += 1;
      if (isSpecType.Tool(tool)) tools.push(tool);
      else
        leaveOut(`the tool ${nameOf(tool) ?? `number ${seen}`} is not offered: its definition violates the protocol`);
    }
    cursor = listed.nextCursor;
    if (cursor === undefined) return tools;
  }
  throw new SdkError(SdkErrorCode.ListPaginationExceeded, `the list of tools has more than ${MAX_PAGES} pages`);
}

function nameOf(tool: unknown): string | null {
  const { data } = named.safeParse(tool);
  return data === undefined ? null : `"${sanitizeToLength(data.name, MAX_NAME_CHARS)}"`;
}
