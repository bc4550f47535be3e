/** Runs one MCP server, for the tests that kill this host. Prints the server's pid. */
import { startMcpServers, stdioServer } from './mcp-servers.ts';

const box = await startMcpServers([stdioServer('one', { TEST_STUBBORN: '1' })]);
await box.host.settled();
const own = await box.call('pid');
const child = await box.call('grandchild');
process.stdout.write(`${'text' in own ? own.text : ''} ${'text' in child ? child.text : ''}\n`);

process.stdin.once('data', () => process.exit(1));
