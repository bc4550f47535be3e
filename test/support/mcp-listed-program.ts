/**
 * Serves MCP over stdio with the tools of TEST_TOOLS, a JSON array of tools. It speaks JSON-RPC without an SDK, so it can list
 * what no SDK would. A call returns its arguments as JSON; with `TEST_ANSWER`, this JSON result.
 */
import { createInterface } from 'node:readline';

const { TEST_TOOLS = '[]', TEST_ANSWER, TEST_ECHO_STDERR = '' } = process.env;
if (TEST_ECHO_STDERR !== '') process.stderr.write(`${TEST_ECHO_STDERR}\n`);
const tools: { name: string; inputSchema?: object }[] = JSON.parse(TEST_TOOLS);

const resultOf = (method: string, params: Record<string, unknown>): unknown => {
  switch (method) {
    case 'initialize':
      return {
        protocolVersion: params['protocolVersion'],
        capabilities: { tools: {} },
        serverInfo: { name: 'listed', version: '1' },
      };
    case 'tools/list':
      return { tools: tools.map((tool) => ({ inputSchema: { type: 'object' }, ...tool })) };
    case 'tools/call':
      return TEST_ANSWER === undefined
        ? { content: [{ type: 'text', text: JSON.stringify(params['arguments']) }] }
        : JSON.parse(TEST_ANSWER);
    default:
      return {};
  }
};

for await (const line of createInterface({ input: process.stdin })) {
  const { id, method, params = {} } = JSON.parse(line);
  if (id !== undefined)
    process.stdout.write(`${JSON.stringify({ jsonrpc: '2.0', id, result: resultOf(method, params) })}\n`);
}
