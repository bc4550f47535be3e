/**
 * What the followers of a turn are told of MCP servers: that it waits for one, that one is away, is back, or waits for
 * somebody to authorize it. Told
 * once for each change, to the turns that are at work; whoever begins later is told what is away then.
 */
import type { ActorRefFrom } from 'xstate';
import { serverState, type mcpServerMachine } from '../../machines/mcp-server.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { ServerStatus, McpServers } from '../mcp/port.ts';
import type { Outbox } from '../outbox/port.ts';

export interface TurnRef extends ConversationRef {
  requestId: string;
}

export interface ServerNotices {
  /** Tells of the changes of one server's chart until it ends. */
  watch(name: string, actor: Pick<ActorRefFrom<typeof mcpServerMachine>, 'subscribe'>): void;
  /** Tells of a server that is configured no more. */
  removed(name: string): void;
  /** Tells a turn that begins which servers it has to wait for, and which it has to do without. */
  greet(turn: TurnRef): void;
}

export interface ServerNoticesDeps {
  mcpServers: Pick<McpServers, 'statuses'>;
  outbox: Pick<Outbox, 'tell'>;
  /** The turns that are at work: no more than there are permits. */
  atWork(): Iterable<TurnRef>;
}

type News =
  | { kind: 'server_connecting' | 'server_available'; server: string }
  | { kind: 'server_unavailable'; server: string; reason: string | null }
  | { kind: 'server_authorizing'; server: string; url: string }
  | { kind: 'server_removed'; server: string };

const AWAY: readonly string[] = ['backingOff', 'failed'] satisfies ServerStatus['state'][];

export function createServerNotices({ mcpServers, outbox, atWork }: ServerNoticesDeps): ServerNotices {
  const tell = ({ requestId, conversationId, owner }: TurnRef, news: News) =>
    outbox.tell(
      { owner, conversationId },
      {
        request_id: requestId,
        status: 'chunk',
        conversation_id: conversationId,
        chunk: {
          type: 'notice',
          kind: news.kind === 'server_removed' ? 'server_unavailable' : news.kind,
          server: news.server,
          data: wordsFor(news),
          ...('url' in news ? { url: news.url } : {}),
        },
      },
    );

  return {
    watch(name, actor) {
      let told: News = { kind: 'server_available', server: name };
      actor.subscribe(({ value, context: { lastError, authorizeUrl } }) => {
        const news = newsOf(name, serverState(value), lastError, authorizeUrl);
        if (news === null || gist(news) === gist(told)) return;
        told = news;
        for (const turn of atWork()) tell(turn, news);
      });
    },
    removed(name) {
      for (const turn of atWork()) tell(turn, { kind: 'server_removed', server: name });
    },
    greet(turn) {
      for (const { name, state, error, authorizeUrl } of mcpServers.statuses()) {
        if (state === 'ready') continue;
        if (authorizeUrl !== null) tell(turn, { kind: 'server_authorizing', server: name, url: authorizeUrl });
        // Turns wait for no other connect than the first, before which nothing has gone wrong.
        else if (state === 'connecting' && error === null) tell(turn, { kind: 'server_connecting', server: name });
        else tell(turn, { kind: 'server_unavailable', server: name, reason: error });
      }
    },
  };
}

/** Null where nothing has changed for who waits: one that is tried again is still away, and one that leaves with us is no news. */
function newsOf(server: string, state: ServerStatus['state'], reason: string | null, url: string | null): News | null {
  if (url !== null) return { kind: 'server_authorizing', server, url };
  if (state === 'ready') return { kind: 'server_available', server };
  return AWAY.includes(state) ? { kind: 'server_unavailable', server, reason } : null;
}

/** What makes it another piece of news. */
function gist(news: News): string {
  return 'url' in news ? news.url : news.kind;
}

function wordsFor(news: News): string {
  switch (news.kind) {
    case 'server_connecting':
      return `Waiting for the MCP server "${news.server}" to connect.`;
    case 'server_authorizing':
      return `The MCP server "${news.server}" can be used when somebody has authorized it: open ${news.url} in a browser on the machine of this server.`;
    case 'server_available':
      return `The MCP server "${news.server}" is available again.`;
    case 'server_removed':
      return `The MCP server "${news.server}" was removed from the configuration; its tools are not offered any more.`;
    case 'server_unavailable':
      return `The MCP server "${news.server}" is not available${news.reason === null ? '' : ` (${news.reason})`}; it is tried again by itself.`;
  }
}
