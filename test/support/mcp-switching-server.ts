/**
 * Serves MCP over stdio without an SDK. A call of `switch_on` adds the tool `switched_on`: the change is reported before the
 * result. TEST_LIST_MS delays the changed list; TEST_UNDECLARED leaves the capability out; TEST_LOST_LIST answers it never.
 */
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';

const { TEST_LIST_MS = '0', TEST_UNDECLARED, TEST_LOST_LIST } = process.env;
const message = z.looseObject({
  id: z.union([z.number(), z.string()]).optional(),
  method: z.string(),
  params: z.looseObject({ name: z.string().optional() }).optional(),
});
const names = ['switch_on'];

const send = (sent: object) => void process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', ...sent })}\n`);
const text = (said: string) => ({ content: [{ type: 'text', text: said }] });

async function resultOf(method: string, name: string | undefined): Promise<object | null> {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: '2025-06-18',
        capabilities: { tools: TEST_UNDECLARED === undefined ? { listChanged: true } : {} },
        serverInfo: { name: 'switching', version: '1.0.0' },
      };
    case 'tools/list': {
      const tools = names.map((each) => ({ name: each, inputSchema: { type: 'object' } }));
      if (names.length > 1) await pause(Number(TEST_LIST_MS));
      return names.length > 1 && TEST_LOST_LIST !== undefined ? null : { tools };
    }
    case 'tools/call':
      if (name !== 'switch_on') return text('It was on.');
      // Two changes in a row: the first list may lack the second tool.
      for (const added of ['other', 'switched_on']) {
        names.push(added);
        send({ method: 'notifications/tools/list_changed' });
      }
      return text('You can now call switched_on.');
    default:
      return {};
  }
}

createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params } = message.parse(JSON.parse(line));
  const result = id === undefined ? null : await resultOf(method, params?.name);
  if (result !== null) send({ id, result });
});
