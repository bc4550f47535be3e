/**
 * Sends notices about MCP servers to the followers of running turns: a server connects, is unavailable, is available
 * again, or needs authorization. Each change is sent once. A turn that starts later gets a notice for each server that
 * is unavailable then.
 */
import type { ActorRefFrom } from 'xstate';
import { serverState, type mcpServerMachine } from '../../machines/mcp-server.ts';
import type { ConversationRef } from '../conversation-ref.ts';
import type { ServerStatus, McpServers } from '../mcp/port.ts';
import type { Delivery } from '../delivery/port.ts';
import { chunkFrame } from '../protocol/frames.ts';

/** A turn by its ids. */
export interface TurnRef extends ConversationRef {
  requestId: string;
}

/** The notices to all running turns. */
export interface ServerNotices {
  /** Sends notices for the changes of one server's chart until the chart ends. */
  watch(name: string, actor: Pick<ActorRefFrom<typeof mcpServerMachine>, 'subscribe'>): void;
  /** Sends a notice that a server was removed from the configuration. */
  removed(name: string): void;
  /** Sends a starting turn one notice for each server that it waits for or that is unavailable. */
  turnStarted(turn: TurnRef): void;
}

/** What the notices are made from, and who sends them. */
export interface ServerNoticesDeps {
  mcpServers: Pick<McpServers, 'statuses'>;
  delivery: Pick<Delivery, 'broadcast'>;
  /** The running turns. Bounded by the number of permits. */
  atWork(): Iterable<TurnRef>;
}

type ServerChange =
  | { kind: 'server_connecting' | 'server_available'; server: string }
  | { kind: 'server_unavailable'; server: string; reason: string | null }
  | { kind: 'server_authorizing'; server: string; url: string }
  | { kind: 'server_removed'; server: string };

const UNAVAILABLE: readonly string[] = ['backingOff', 'failed'] satisfies ServerStatus['state'][];

/** Creates the notices about MCP servers. Each turn that runs gets each change once. */
export function createServerNotices({ mcpServers, delivery, atWork }: ServerNoticesDeps): ServerNotices {
  const send = (turn: TurnRef, change: ServerChange) =>
    delivery.broadcast(
      turn,
      chunkFrame(turn, {
        type: 'notice',
        kind: change.kind === 'server_removed' ? 'server_unavailable' : change.kind,
        server: change.server,
        data: describe(change),
        ...('url' in change ? { url: change.url } : {}),
      }),
    );

  return {
    watch(name, actor) {
      let last: ServerChange = { kind: 'server_available', server: name };
      actor.subscribe(({ value, context: { lastError, authorizeUrl } }) => {
        const change = changeOf(name, serverState(value), lastError, authorizeUrl);
        if (change === null || changeKey(change) === changeKey(last)) return;
        last = change;
        for (const turn of atWork()) send(turn, change);
      });
    },
    removed(name) {
      for (const turn of atWork()) send(turn, { kind: 'server_removed', server: name });
    },
    turnStarted(turn) {
      for (const { name, state, error, authorizeUrl } of mcpServers.statuses()) {
        if (state === 'ready') continue;
        if (authorizeUrl !== null) send(turn, { kind: 'server_authorizing', server: name, url: authorizeUrl });
        // Until the first connect the server has no error.
        else if (state === 'connecting' && error === null) send(turn, { kind: 'server_connecting', server: name });
        else send(turn, { kind: 'server_unavailable', server: name, reason: error });
      }
    },
  };
}

/** Null if nothing changed for the followers: a server in a retry is still unavailable, and a shutdown needs no notice. */
function changeOf(
  server: string,
  state: ServerStatus['state'],
  reason: string | null,
  url: string | null,
): ServerChange | null {
  if (url !== null) return { kind: 'server_authorizing', server, url };
  if (state === 'ready') return { kind: 'server_available', server };
  return UNAVAILABLE.includes(state) ? { kind: 'server_unavailable', server, reason } : null;
}

/** Two changes with the same key are the same notice. */
function changeKey(change: ServerChange): string {
  return 'url' in change ? change.url : change.kind;
}

function describe(change: ServerChange): string {
  switch (change.kind) {
    case 'server_connecting':
      return `Waiting for the MCP server "${change.server}" to connect.`;
    case 'server_authorizing':
      return `The MCP server "${change.server}" needs authorization. To authorize it, open ${change.url} in a browser on the machine of this server.`;
    case 'server_available':
      return `The MCP server "${change.server}" is available again.`;
    case 'server_removed':
      return `The MCP server "${change.server}" was removed from the configuration; its tools are not offered any more.`;
    case 'server_unavailable':
      return `The MCP server "${change.server}" is not available${change.reason === null ? '' : ` (${change.reason})`}. Parley tries again.`;
  }
}
