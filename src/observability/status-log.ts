/**
 * Logs state changes of providers and MCP servers, once a change, for the operator. Clients get the effects with their
 * turns and calls.
 */
import type { Logger } from 'pino';
import type { ActorRefFrom } from 'xstate';
import { serverState, startsSlowly, type mcpServerMachine } from '../../machines/mcp-server.ts';
import type { ProviderStatus } from '../llm/port.ts';
import type { LearnedLimit } from '../llm/learned-limits.ts';
import type { RequiredChange } from '../llm/stream/learned-changes.ts';

/** Logs a change of a provider's circuit. */
export function logProviderStatus({ name, circuit, error }: ProviderStatus, log: Pick<Logger, 'info' | 'warn'>): void {
  if (circuit === 'open') log.warn({ provider: name, error }, 'circuit opened after repeated failures');
  if (circuit === 'closed') log.info({ provider: name }, 'circuit closed: provider answers again');
}

/** Logs what a model does not support, with the line of the configuration that saves the rejected request. */
export function logRequiredChange(change: RequiredChange, log: Pick<Logger, 'warn'>): void {
  log.warn(
    change,
    'model rejects a parameter or tools; requests are changed until a restart, write this line to keep it',
  );
}

/** Logs the limit of a context that a provider has named, with the line of the configuration that saves the rejected request. */
export function logContextLimit(limit: LearnedLimit, log: Pick<Logger, 'warn'>): void {
  log.warn(
    limit,
    'model takes fewer tokens than the context window; requests are kept within its limit until a restart',
  );
}

/** Logs the changes of a server's chart until its actor stops. `outputOf` returns the last lines of its program, null if none. */
export function logServerStatus(
  name: string,
  actor: Pick<ActorRefFrom<typeof mcpServerMachine>, 'subscribe'>,
  log: Pick<Logger, 'info' | 'warn'>,
  outputOf: () => string | null,
): void {
  let last = '';
  actor.subscribe(({ value, context }) => {
    const state = serverState(value);
    const isSlow = startsSlowly(value);
    const change = context.authorizeUrl ?? (isSlow ? 'slow' : state);
    if (change === last) return;
    last = change;
    if (context.authorizeUrl !== null)
      log.warn(
        { server: name, url: context.authorizeUrl },
        'MCP server requires authorization: open this address in a browser on this machine',
      );
    const output = () => {
      const last = outputOf();
      return last === null ? {} : { output: last };
    };
    if (isSlow) log.warn({ server: name, reason: context.lastError, ...output() }, 'MCP server is slow to start');
    if (state === 'ready') log.info({ server: name, tools: context.catalogue.length }, 'MCP server ready');
    if (state === 'backingOff')
      log.warn(
        { server: name, reason: context.lastError, attempt: context.attempts, ...output() },
        'MCP server lost; reconnecting after a delay',
      );
    if (state === 'failed')
      log.warn(
        { server: name, reason: context.lastError, ...output() },
        'MCP server failed; a call to one of its tools, or mcp.connection.failed_retry_delay, starts the next attempt',
      );
  });
}
