/**
 * Answers MCP requests as careless serializers do: null for each absent member, `[]` for an empty object, and blocks
 * that the protocol does not have. Run as a program, it serves over stdio.
 */
import { createInterface } from 'node:readline';
import { z } from 'zod';

const message = z.looseObject({
  id: z.union([z.number(), z.string()]).optional(),
  method: z.string(),
});

const nulls = { title: null, description: null, icons: null, annotations: null, _meta: null };
const results: Record<string, unknown> = {
  initialize: {
    protocolVersion: '2025-06-18',
    capabilities: { tools: { listChanged: null }, prompts: [], resources: {}, logging: null, experimental: null },
    serverInfo: { name: 'careless', title: null },
    instructions: null,
    _meta: null,
  },
  ping: [],
  'tools/list': {
    tools: [
      { ...nulls, name: 'act', inputSchema: { type: 'object', required: null }, outputSchema: { type: 'object' } },
      { ...nulls, name: null },
    ],
    nextCursor: null,
    _meta: null,
  },
  'prompts/list': { prompts: [{ ...nulls, name: 'good', arguments: null }, {}], nextCursor: null },
  'resources/list': { resources: [{ ...nulls, name: 'good', uri: 'x://good', size: null }, {}], nextCursor: null },
  'resources/templates/list': { resourceTemplates: [{ ...nulls, name: 'good', uriTemplate: 'x://{a}' }, {}] },
  'resources/read': { contents: [{ uri: 'x://good', mimeType: null, text: 'read', blob: null }], _meta: null },
  'prompts/get': {
    description: null,
    messages: [{ role: 'user', content: { ...nulls, type: 'text', text: 'filled' } }],
  },
  'tools/call': {
    content: [{ ...nulls, type: 'text', text: 'acted' }, { type: 'widget' }, null],
    structuredContent: null,
    isError: null,
    _meta: null,
  },
};

/** Returns the answer to a message; null to a notification. */
export function answerWithNulls(received: unknown): object | null {
  const { id, method } = message.parse(received);
  if (id === undefined) return null;
  const result = results[method];
  return result === undefined
    ? { jsonrpc: '2.0', id, result: null, error: { code: -32_601, message: 'Method not found', data: null } }
    : { jsonrpc: '2.0', id, result, error: null };
}

if (import.meta.main)
  createInterface({ input: process.stdin }).on('line', (line) => {
    const answer = answerWithNulls(JSON.parse(line));
    if (answer !== null) process.stdout.write(`${JSON.stringify(answer)}\n`);
  });
