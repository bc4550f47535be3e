/** Handles the action `prompts`: a page of the prompts that MCP servers offer. */
import { errorFrame, resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import { serializeServerStatus } from '../server-status.ts';
import type { ClientSession } from '../session.ts';
import type { ActionDeps } from './action-handler.ts';
import { invalidCursor, ofServer, pageOf } from './list-page.ts';

/** Waits until every server was ready or failed once, then replies with a page. An unknown cursor gets an error. */
export async function handlePrompts(
  { mcpServers, promptsAndResources, delivery }: ActionDeps,
  session: ClientSession,
  requestId: string,
  { server, ...range }: Payload<'prompts'>,
): Promise<void> {
  await mcpServers.settled();
  const page = pageOf(ofServer(await promptsAndResources.prompts(), server), range, ({ name }) => name);
  if (!page) {
    delivery.reply(session.id, errorFrame(requestId, invalidCursor()));
    return;
  }
  const prompts = page.entries.map(({ server, name, title, description, arguments: args }) => ({
    server,
    name,
    title,
    description,
    arguments: args,
  }));
  const servers = mcpServers.statuses().map(serializeServerStatus);
  delivery.reply(session.id, resultFrame(requestId, { prompts, next_cursor: page.nextCursor, servers }));
}
