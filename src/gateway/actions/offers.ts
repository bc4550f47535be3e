/**
 * The actions about prompts and resources of MCP servers: lists page by page, and what is asked for by name. They
 * touch no conversation.
 */
import { fault } from '../../errors.ts';
import { isUnavailable, type FromServer, type Unavailable } from '../../mcp/prompts-and-resources.ts';
import type { Prompt, Resource } from '../../mcp/content/prompt-and-resource.ts';
import { errorFrame, resultFrame } from '../../protocol/frames.ts';
import type { Payload } from '../../protocol/requests.ts';
import type { Result } from '../../protocol/results.ts';
import type { RequestDeps } from './request-deps.ts';
import { toldServer } from '../server-status.ts';
import type { ClientSession } from '../session.ts';

/** One function an action; every outcome is a frame. */
export function createOfferRequests({
  promptsAndResources,
  mcpServers,
  outbox,
}: Pick<RequestDeps, 'promptsAndResources' | 'mcpServers' | 'outbox'>) {
  const answer = (session: ClientSession, requestId: string, result: Result) =>
    outbox.reply(session.id, resultFrame(requestId, result));
  const refuse = (session: ClientSession, requestId: string, problem: ReturnType<typeof fault>) =>
    outbox.reply(session.id, errorFrame(requestId, problem));
  const servers = () => mcpServers.statuses().map(toldServer);

  /** Answers with what was asked for, or with why it was not had. */
  function tell<Answer extends object>(
    session: ClientSession,
    requestId: string,
    answered: Answer | Unavailable,
    resultOf: (answer: Answer) => Result,
  ): void {
    if (isUnavailable(answered)) refuse(session, requestId, unavailableFault(answered));
    else answer(session, requestId, resultOf(answered));
  }
  function tellPage<Entry>(
    session: ClientSession,
    requestId: string,
    page: Page<Entry> | null,
    resultOf: (page: Page<Entry>) => Result,
  ): void {
    if (page) return answer(session, requestId, resultOf(page));
    const problem =
      'payload.cursor: expected the next_cursor of an earlier page, or none; the list may have changed meanwhile.';
    refuse(session, requestId, fault('invalid_request', problem, { path: 'payload.cursor' }));
  }

  return {
    async prompts(session: ClientSession, requestId: string, { server, ...range }: Payload<'prompts'>): Promise<void> {
      await mcpServers.settled();
      const entries = ofServer(await promptsAndResources.prompts(), server);
      tellPage(
        session,
        requestId,
        pageOf(entries, range, ({ name }) => name),
        (page) => ({ prompts: page.entries.map(offeredPrompt), next_cursor: page.nextCursor, servers: servers() }),
      );
    },
    async getPrompt(
      session: ClientSession,
      requestId: string,
      { server, name, arguments: args }: Payload<'get_prompt'>,
    ): Promise<void> {
      tell(session, requestId, await promptsAndResources.fill(server, name, args), ({ description, messages }) => ({
        description,
        messages,
      }));
    },
    async resources(
      session: ClientSession,
      requestId: string,
      { server, ...range }: Payload<'resources'>,
    ): Promise<void> {
      await mcpServers.settled();
      const [resources, templates] = await Promise.all([
        promptsAndResources.resources(),
        promptsAndResources.templates(),
      ]);
      const entries = [
        ...ofServer(resources, server).map((resource) => ({ ...resource, kind: 'resource' as const })),
        ...ofServer(templates, server).map((template) => ({ ...template, kind: 'template' as const })),
      ];
      tellPage(
        session,
        requestId,
        pageOf(entries, range, ({ kind, uri }) => `${kind} ${uri}`),
        (page) => ({
          resources: page.entries.filter(({ kind }) => kind === 'resource').map(offeredResource),
          templates: page.entries.filter(({ kind }) => kind === 'template').map(offeredTemplate),
          next_cursor: page.nextCursor,
          servers: servers(),
        }),
      );
    },
    async readResource(
      session: ClientSession,
      requestId: string,
      { server, uri }: Payload<'read_resource'>,
    ): Promise<void> {
      tell(session, requestId, await promptsAndResources.read(server, uri), (parts) => ({
        contents: parts.map(({ uri, mimeType, text, blob }) => ({ uri, mime_type: mimeType, text, blob })),
      }));
    },
    async completeArgument(
      session: ClientSession,
      requestId: string,
      { server, prompt, uri_template: template = '', argument, known }: Payload<'complete_argument'>,
    ): Promise<void> {
      const of = prompt === undefined ? { template } : { prompt };
      tell(
        session,
        requestId,
        await promptsAndResources.complete(server, { of, argument, known }),
        ({ values, total, hasMore }) => ({ values, total, has_more: hasMore }),
      );
    },
  };
}

/** Why something that a client has named was not had, as it is told; `path` is where it has named the server. */
export function unavailableFault({ unavailable, server, message }: Unavailable, path = 'payload.server') {
  switch (unavailable) {
    case 'server':
      return fault('invalid_request', `${path}: ${message}`, { path });
    case 'connection':
      return fault('mcp_unavailable', message, { server });
    case 'answer':
      return fault('mcp_refused', message, { server });
  }
}

interface Page<Entry> {
  entries: Entry[];
  nextCursor: string | null;
}

function ofServer<Entry extends { server: string }>(entries: Entry[], server: string | undefined): Entry[] {
  return server === undefined ? entries : entries.filter((entry) => entry.server === server);
}

/** A cursor names the last entry of its page, so that a list that changes elsewhere goes on where it was; null for one that names none. */
function pageOf<Entry extends { server: string }>(
  all: Entry[],
  { cursor, limit }: { cursor?: string | undefined; limit: number },
  nameOf: (entry: Entry) => string,
): Page<Entry> | null {
  const cursorOf = (entry: Entry) => Buffer.from(JSON.stringify([entry.server, nameOf(entry)])).toString('base64url');
  const before = cursor === undefined ? -1 : all.findIndex((entry) => cursorOf(entry) === cursor);
  if (cursor !== undefined && before === -1) return null;
  const entries = all.slice(before + 1, before + 1 + limit);
  const last = entries.at(-1);
  return { entries, nextCursor: last !== undefined && before + 1 + limit < all.length ? cursorOf(last) : null };
}

function offeredPrompt({ server, name, title, description, arguments: args }: FromServer<Prompt>) {
  return { server, name, title, description, arguments: args };
}

function offeredResource({ server, name, title, description, uri, mimeType, sizeBytes }: FromServer<Resource>) {
  return { server, name, title, description, uri, mime_type: mimeType, size_bytes: sizeBytes };
}

function offeredTemplate({ server, name, title, description, uri, mimeType }: FromServer<Resource>) {
  return { server, name, title, description, uri_template: uri, mime_type: mimeType };
}
