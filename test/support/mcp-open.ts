/** Opens MCP servers for a test, waits for their handshakes, and closes them when the test ends. */
import type { TestContext } from 'node:test';
import { createJournal, startMcpServers, stdioServer, type TestOptions } from './mcp-servers.ts';

export async function openMcpServers(test: TestContext, ...[servers, options]: Parameters<typeof startMcpServers>) {
  const box = await startMcpServers(servers, options);
  test.after(box.stop);
  await box.host.settled();
  return box;
}

/** Opens the misbehaving server alone, as `one`, with its journal. `env` has further variables. */
export async function openJournalled(
  test: TestContext,
  { env = {}, ...options }: TestOptions & { env?: Record<string, string> } = {},
) {
  const journal = createJournal();
  const box = await startMcpServers([stdioServer('one', { TEST_JOURNAL: journal.file, ...env })], options);
  test.after(async () => {
    // The server writes until its end.
    await box.stop();
    journal.remove();
  });
  await box.host.settled();
  return { box, journal };
}

/** Returns the text of a call's end. Empty if none. */
export const textOf = (end: { status: string; text?: string }) => end.text ?? '';
