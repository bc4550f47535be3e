/** Toolboxes that end with the test that opened them, past the greetings of their servers. */
import type { TestContext } from 'node:test';
import { createJournal, startToolbox, stdioServer, type ToolboxTestOptions } from './mcp-servers.ts';

export async function openToolbox(test: TestContext, ...[servers, options]: Parameters<typeof startToolbox>) {
  const box = await startToolbox(servers, options);
  test.after(box.stop);
  await box.host.settled();
  return box;
}

/** The misbehaving server alone, as `one`, with the journal that it keeps; `env` is what else it reads. */
export async function openJournalled(
  test: TestContext,
  { env = {}, ...options }: ToolboxTestOptions & { env?: Record<string, string> } = {},
) {
  const journal = createJournal();
  const box = await startToolbox([stdioServer('one', { TEST_JOURNAL: journal.file, ...env })], options);
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
