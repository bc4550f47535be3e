/**
 * The ground that the chart of an MCP server stands on: the actors it asks for by name (provided once, at boot), its
 * delays and guards, and what it notes down.
 */
import { assign, fromCallback, fromPromise, setup } from 'xstate';
import type { CheckInput, McpServerContext, McpServerEvent, McpServerInput } from './mcp-server-types.ts';
import { providedAtBoot } from './provided-at-boot.ts';

/** The wait before reconnect number `attempts` (from 1): doubled and capped, then halved at most by the jitter. */
export function reconnectDelayMs({
  limits,
  attempts,
  jitter,
}: Pick<McpServerContext, 'limits' | 'attempts' | 'jitter'>): number {
  const cappedMs = Math.min(limits.initialBackoffMs * 2 ** Math.max(0, attempts - 1), limits.maxBackoffMs);
  return Math.round(cappedMs * (0.5 + jitter / 2));
}

/** A server that refuses what it was given so often will refuse it again; some ask for more rights in a second step. */
const AUTHORIZATIONS_IN_A_ROW = 2;

/** What the chart is made with. */
export const mcpServerSetup = setup({
  types: {
    context: {} as McpServerContext,
    events: {} as McpServerEvent,
    input: {} as McpServerInput,
  },
  actors: {
    /** Opens the client; reports ready, changed and lost; closes when it is stopped. */
    connection: fromCallback<McpServerEvent, { name: string }>(providedAtBoot),
    /** Resolves when nothing of this server's connections is left. Bounded by its provider. */
    closing: fromPromise<void, { name: string }>(providedAtBoot),
    /** Rejects when the server does not answer. Bounded by its provider. */
    check: fromPromise<void, CheckInput>(providedAtBoot),
    /** Resolves when a person has authorized the server; says with `server.asks` what to open. Rejects with an Error whose message is fit for people. */
    authorization: fromPromise<void, { name: string }>(providedAtBoot),
  },
  delays: {
    connectionTimeout: ({ context }) => context.limits.connectionTimeoutMs,
    backoff: ({ context }) => reconnectDelayMs(context),
    failedRetry: ({ context }) => context.limits.failedRetryMs,
    healthInterval: ({ context }) => context.limits.healthIntervalMs,
    authorizationTimeout: ({ context }) => context.limits.authorizationTimeoutMs,
  },
  guards: {
    mayReconnect: ({ context }) => context.attempts < context.limits.maxReconnectAttempts,
    mayAuthorize: ({ context }) => context.authorizations < AUTHORIZATIONS_IN_A_ROW,
  },
  actions: {
    countAttempt: assign({ attempts: ({ context }) => context.attempts + 1 }),
    noteLoss: assign(({ event }) =>
      event.type === 'server.lost' ? { lastError: event.reason, jitter: event.jitter } : {},
    ),
    noteTimeout: assign({
      lastError: ({ context }) => `no answer within ${context.limits.connectionTimeoutMs / 1000} s`,
    }),
    noteSilence: assign({ lastError: 'did not answer a health check' }),
    noteFault: assign({ lastError: 'the connection failed inside Parley; the log has the details' }),
    noteUnauthorized: assign({ lastError: 'waits for somebody to authorize it in a browser' }),
    noteUselessToken: assign({ lastError: 'refuses the authorization that it was just given' }),
    noteRefusal: assign({
      lastError: ({ event }) =>
        'error' in event && event.error instanceof Error ? event.error.message : 'could not be authorized',
    }),
    noteAddress: assign(({ event }) => (event.type === 'server.asks' ? { authorizeUrl: event.url } : {})),
    forgetAddress: assign({ authorizeUrl: null }),
    countAuthorization: assign({ authorizations: ({ context }) => context.authorizations + 1 }),
    forgetPast: assign({ attempts: 0, authorizations: 0, lastError: null }),
    forgetAuthorizations: assign({ authorizations: 0 }),
    takeCatalogue: assign(({ context, event }) => ({
      catalogue: event.type === 'server.ready' || event.type === 'server.changed' ? event.catalogue : context.catalogue,
      attempts: 0,
      authorizations: 0,
      lastError: null,
    })),
  },
});
