/**
 * What whoever runs the server should hear of MCP servers: that one is ready, or lost and why. Said once a
 * change of state, in the server's own log; conversations are told by their calls.
 */
import type { Logger } from 'pino';
import type { ActorRefFrom } from 'xstate';
import { serverState, type mcpServerMachine } from '../../machines/mcp-server.ts';

/** Logs the changes of one server's chart until it ends. */
export function reportServer(
  name: string,
  actor: Pick<ActorRefFrom<typeof mcpServerMachine>, 'subscribe'>,
  log: Pick<Logger, 'info' | 'warn'>,
): void {
  let last = '';
  actor.subscribe(({ value, context }) => {
    const state = serverState(value);
    const news = context.authorizeUrl ?? state;
    if (news === last) return;
    last = news;
    if (context.authorizeUrl !== null)
      log.warn(
        { server: name, url: context.authorizeUrl },
        'MCP server asks for authorization: open this address in a browser on this machine',
      );
    if (state === 'ready') log.info({ server: name, tools: context.catalogue.length }, 'MCP server ready');
    if (state === 'backingOff')
      log.warn(
        { server: name, reason: context.lastError, attempt: context.attempts },
        'MCP server lost; it will be tried again',
      );
    if (state === 'failed')
      log.warn(
        { server: name, reason: context.lastError },
        'MCP server given up; it is tried again now and then, and by a call to one of its tools',
      );
  });
}
