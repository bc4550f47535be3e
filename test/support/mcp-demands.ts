/**
 * Offers tools that request more than one answer of a person, for a real test server of either era (mcp-http-server.ts):
 * sampling, roots, several answers, or too many.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { inputRequired, type CallToolResult, type McpServer, type ServerContext } from '@modelcontextprotocol/server';
import { z } from 'zod';

const say = (text: string): CallToolResult => ({ content: [{ type: 'text', text }] });
const form = (message: string) => ({
  message,
  requestedSchema: { type: 'object' as const, properties: { word: { type: 'string' as const } } },
});
const toSummarize = (text: string) => ({
  messages: [{ role: 'user' as const, content: { type: 'text' as const, text } }],
  systemPrompt: 'Be brief.',
  maxTokens: 100,
});
const wordIn = (answer: unknown) => String(Object(Object(answer).content).word);
const reason = (error: unknown) => say(`not done: ${error instanceof Error ? error.message : String(error)}`);

/** Working time between two requests of `dawdle`. */
export const DAWDLE_MS = 250;

/** Up to 2025-11-25. */
export function demandWaiting(server: McpServer): void {
  const tool = (name: string, work: (context: ServerContext) => Promise<CallToolResult>) =>
    server.registerTool(name, { inputSchema: z.object({}) }, (_args, context) => work(context).catch(reason));
  tool('summarize', async ({ mcpReq }) => {
    const { content } = await mcpReq.requestSampling(toSummarize('A long text.'));
    return say(`summary: ${Array.isArray(content) || content.type !== 'text' ? 'none' : content.text}`);
  });
  tool('insist', async ({ mcpReq }) => {
    for (;;) await mcpReq.requestSampling(toSummarize('Again.'));
  });
  // A request after the call's end would wait until the SDK's timeout, and the test with it.
  tool('nag', async ({ mcpReq }) => {
    while (!mcpReq.signal.aborted) await mcpReq.elicitInput(form('Well?'));
    return say('given up');
  });
  tool('dawdle', async ({ mcpReq }) => {
    for (;;) {
      await sleep(DAWDLE_MS);
      if (mcpReq.signal.aborted) return say('given up');
      await mcpReq.elicitInput(form('Well?'));
    }
  });
  tool('two', async ({ mcpReq }) => {
    const [first, second] = await Promise.all([
      mcpReq.elicitInput(form('First?')),
      mcpReq.elicitInput(form('Second?')),
    ]);
    return say(`${wordIn(first)} and ${wordIn(second)}`);
  });
  tool('roots', async () => say((await server.server.listRoots()).roots.map(({ uri }) => uri).join(' ')));
}

/** 2026-07-28. */
export function demandResumed(server: McpServer): void {
  const tool = (
    name: string,
    work: (
      context: ServerContext['mcpReq'],
    ) => CallToolResult | ReturnType<typeof inputRequired> | Promise<ReturnType<typeof inputRequired>>,
  ) => server.registerTool(name, { inputSchema: z.object({}) }, async (_args, { mcpReq }) => work(mcpReq));
  tool('summarize', ({ inputResponses }) => {
    if (!inputResponses?.['summary'])
      return inputRequired({ inputRequests: { summary: inputRequired.createMessage(toSummarize('A long text.')) } });
    return say(`summary: ${String(Object(Object(inputResponses['summary']).content).text)}`);
  });
  tool('insist', () =>
    inputRequired({ inputRequests: { summary: inputRequired.createMessage(toSummarize('Again.')) } }),
  );
  tool('nag', () => inputRequired({ inputRequests: { word: inputRequired.elicit(form('Well?')) } }));
  tool('dawdle', async () => {
    await sleep(DAWDLE_MS);
    return inputRequired({ inputRequests: { word: inputRequired.elicit(form('Well?')) } });
  });
  tool('two', ({ inputResponses }) => {
    const { first, second } = Object(inputResponses ?? {});
    if (!first)
      return inputRequired({
        inputRequests: { first: inputRequired.elicit(form('First?')), second: inputRequired.elicit(form('Second?')) },
      });
    return say(`${wordIn(first)} and ${wordIn(second)}`);
  });
  tool('roots', ({ inputResponses }) => {
    const { folders } = Object(inputResponses ?? {});
    if (!folders) return inputRequired({ inputRequests: { folders: inputRequired.listRoots() } });
    return say(Array.from(Object(folders.roots), ({ uri }) => uri).join(' '));
  });
}
