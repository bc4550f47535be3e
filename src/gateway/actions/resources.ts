/** Handles the action `resources`: a page of the resources that MCP servers offer, then of their resource templates. */
import type { Resource } from '../../mcp/content/prompt-and-resource.ts';
import type { FromServer } from '../../mcp/prompts-and-resources.ts';
import { errorFrame, resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/actions.ts';
import { serializeServerStatus } from '../server-status.ts';
import type { ClientSession } from '../session.ts';
import type { ActionDeps } from './action-handler.ts';
import { invalidCursor, ofServer, pageOf } from './list-page.ts';

/** Waits until every server was ready or failed once, then replies with a page. An unknown cursor gets an error. */
export async function handleResources(
  { mcpServers, promptsAndResources, delivery }: ActionDeps,
  session: ClientSession,
  requestId: string,
  { server, ...range }: Payload<'resources'>,
): Promise<void> {
  await mcpServers.settled();
  const [resources, templates] = await Promise.all([promptsAndResources.resources(), promptsAndResources.templates()]);
  const entries = [
    ...ofServer(resources, server).map((resource) => ({ ...resource, kind: 'resource' as const })),
    ...ofServer(templates, server).map((template) => ({ ...template, kind: 'template' as const })),
  ];
  const page = pageOf(entries, range, ({ kind, uri }) => `${kind} ${uri}`);
  if (!page) {
    delivery.reply(session.id, errorFrame(requestId, invalidCursor()));
    return;
  }
  const result = {
    resources: page.entries.filter(({ kind }) => kind === 'resource').map(serializeResource),
    templates: page.entries.filter(({ kind }) => kind === 'template').map(serializeTemplate),
    next_cursor: page.nextCursor,
    servers: mcpServers.statuses().map(serializeServerStatus),
  };
  delivery.reply(session.id, resultFrame(requestId, result));
}

function serializeResource({ server, name, title, description, uri, mimeType, sizeBytes }: FromServer<Resource>) {
  return { server, name, title, description, uri, mime_type: mimeType, size_bytes: sizeBytes };
}

function serializeTemplate({ server, name, title, description, uri, mimeType }: FromServer<Resource>) {
  return { server, name, title, description, uri_template: uri, mime_type: mimeType };
}
