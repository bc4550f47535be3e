/** Serves MCP over stdio without an SDK, with valid tools, and tools and a result that violate the protocol. */
import { createInterface } from 'node:readline';
import { z } from 'zod';

const message = z.looseObject({
  id: z.union([z.number(), z.string()]).optional(),
  method: z.string(),
  params: z.looseObject({ cursor: z.string().optional(), name: z.string().optional() }).optional(),
});
const results: Record<string, (params: { cursor?: string | undefined; name?: string | undefined }) => object> = {
  initialize: () => ({
    protocolVersion: '2025-06-18',
    capabilities: { tools: {} },
    serverInfo: { name: 'careless', version: '1.0.0' },
  }),
  'tools/list': ({ cursor }) =>
    cursor === undefined
      ? {
          tools: [
            { name: 'good', inputSchema: { type: 'object' } },
            { name: 'typeless', inputSchema: {} },
            { inputSchema: { type: 'object' } },
          ],
          nextCursor: 'more',
        }
      : { tools: [{ name: 'also good', inputSchema: { type: 'object' } }, { name: 'bare' }] },
  'tools/call': ({ name }) => ({ content: [{ type: 'text', text: name === 'good' ? 'called' : 7 }] }),
  ping: () => ({}),
};

createInterface({ input: process.stdin }).on('line', (line) => {
  const { id, method, params } = message.parse(JSON.parse(line));
  const result = results[method]?.(params ?? {});
  if (id !== undefined && result) process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result })}\n`);
});
