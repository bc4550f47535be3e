/**
 * Runs Parley's MCP layer for the conformance suite. The last argument is the server to connect to. It connects, acts
 * as the person who authorizes it in a browser and fills in forms, calls every tool, and disconnects. The suite judges
 * what it sees on the wire.
 */
import { visit } from '../support/visit.ts';
import { waitFor } from 'xstate';
import { z } from 'zod';
import { serverState } from '../../machines/mcp-server.ts';
import type { ServerAnswer, ServerRequest } from '../../machines/conversation/question-types.ts';
import { withDefaults } from '../../src/gateway/actions/form-defaults.ts';
import { callAnswering } from '../support/mcp-person.ts';
import { httpServer, startMcpServers } from '../support/mcp-servers.ts';

/** Context that a scenario passes, besides the address. */
const contextSchema = z.looseObject({
  client_id: z.string().optional(),
  client_secret: z.string().optional(),
  toolCalls: z.array(z.object({ name: z.string(), arguments: z.record(z.string(), z.unknown()) })).optional(),
});

/** Scenarios run side by side on slow machines too. None of them checks speed. */
const TIMEOUT_MS = 60_000;

const context = contextSchema.parse(JSON.parse(process.env['MCP_CONFORMANCE_CONTEXT'] ?? '{}'));
const revision = process.env['MCP_CONFORMANCE_PROTOCOL_VERSION'] ?? '';
const secret = context.client_secret === undefined ? {} : { client_secret: context.client_secret };
const client = context.client_id === undefined ? null : { client_id: context.client_id, ...secret };

const block = {
  ...httpServer('judge', process.argv.at(-1) ?? '', revision < '2026-07-28' ? 'legacy' : 'auto'),
  oauth: { client, scope: null },
};
const box = await startMcpServers([block], {
  maxReconnectAttempts: 0,
  connectionTimeoutMs: TIMEOUT_MS,
  // The address that the suite expects of clients with a metadata document.
  authorization: { clientMetadataUrl: 'https://conformance-test.local/client-metadata.json' },
});
const judge = box.actor('judge');

const visited = new Set<string>();
judge.subscribe(({ context: { authorizeUrl } }) => {
  if (authorizeUrl === null || visited.has(authorizeUrl)) return;
  visited.add(authorizeUrl);
  // The last page is Parley's own, and may be closed before it is read.
  visit(authorizeUrl).catch((error: unknown) => box.lines.push(`the browser: ${String(error)}`));
});

/** The person accepts the defaults of every form. */
function fillIn(ask: ServerRequest): ServerAnswer {
  return { action: 'accept', content: ask.kind === 'form' ? withDefaults(ask.schema, {}) : null };
}

/** Makes a value for every argument of a schema. */
function sample(schema: Record<string, unknown>): Record<string, unknown> {
  const { properties = {} } = z
    .looseObject({ properties: z.record(z.string(), z.looseObject({ type: z.unknown().optional() })).optional() })
    .parse(schema);
  const values: Record<string, unknown> = { number: 2, integer: 2, boolean: true, object: schema, array: [] };
  return Object.fromEntries(
    Object.entries(properties).map(([name, { type }]) => [name, values[String(type)] ?? 'text']),
  );
}

await waitFor(judge, ({ value }) => ['ready', 'failed'].includes(serverState(value)), { timeout: TIMEOUT_MS });
const [focal] = box.host.tools();
const calls =
  context.toolCalls ??
  box.host.tools().map(({ toolName, inputSchema }) => ({
    name: toolName,
    // One scenario expects the schema of its first tool back, unchanged.
    arguments: toolName === 'json_schema_echo' ? { schema: focal?.inputSchema } : sample(inputSchema),
  }));
for (const { name, arguments: args } of calls)
  box.lines.push(`${name}: ${JSON.stringify(await callAnswering(box.call, name, args, fillIn))}`);

const [server] = box.host.statuses();
process.stderr.write(`${[...box.lines, JSON.stringify(server)].join('\n')}\n`);
await box.stop();
process.exitCode = server?.state === 'ready' ? 0 : 1;
