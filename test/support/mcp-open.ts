/** Toolboxes that end with the test that opened them, past the greetings of their servers. */
import type { TestContext } from 'node:test';
import { createJournal, startMcpServers, stdioServer, type TestOptions } from './mcp-servers.ts';

export async function openMcpServers(test: TestContext, ...[servers, options]: Parameters<typeof startMcpServers>) {
  const box = await startMcpServers(servers, options);
  test.after(box.stop);
  await box.host.settled();
  return box;
}

/** The misbehaving server alone, as `one`, with the journal that it keeps; `env` is what else it reads. */
export async function openJournalled(
  test: TestContext,
  { env = {}, ...options }: TestOptions & { env?: Record<string, string> } = {},
) {
  const journal = createJournal();
  const box = await startMcpServers([stdioServer('one', { TEST_JOURNAL: journal.file, ...env })], options);
  test.after(async () => {
    // It writes to its end.
    await box.stop();
    journal.remove();
  });
  await box.host.settled();
  return { box, journal };
}

/** What a call gave back; none where it gave nothing. */
export const textOf = (end: { status: string; text?: string }) => end.text ?? '';
