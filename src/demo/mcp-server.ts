/**
 * Serves a few read-only tools, a prompt and a resource over stdio: the bundled MCP server, for a machine without others.
 * Parley starts it like any other server, so no file of it may import this one.
 */
import { StdioServerTransport } from '@modelcontextprotocol/server/stdio';
import { createDemoServer } from './mcp-tools.ts';

await createDemoServer(process.env['PARLEY_DEMO_ROOT'] ?? process.cwd()).connect(new StdioServerTransport());

// The SDK does not handle EOF: the host has exited, or wants this server to exit.
process.stdin.once('end', () => process.exit(0));
