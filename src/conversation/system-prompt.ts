/**
 * Builds the system prompt: the configured text, the instructions of MCP servers, the list of their resources, and the
 * contents of the configured ones.
 * MCP servers are untrusted and may be slow: a resource that does not arrive in time is left out, with a notice to the
 * followers of the turn.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { isUnavailable, type FromServer, type PromptsAndResources } from '../mcp/prompts-and-resources.ts';
import type { Resource } from '../mcp/content/prompt-and-resource.ts';
import type { McpServers, ToolName } from '../mcp/port.ts';
import { partText } from '../mcp/content/result-text.ts';
import { sanitizeText } from '../mcp/content/sanitize-text.ts';
import type { Delivery } from '../delivery/port.ts';
import { chunkFrame } from '../protocol/frames.ts';
import type { TurnRef } from './server-notices.ts';

/** The parts and limits of the prompt, read for each prompt. */
export interface SystemPromptOptions {
  /** chat.service.system_prompt */
  text: string;
  mcpServers: Pick<McpServers, 'instructions'>;
  promptsAndResources: Pick<PromptsAndResources, 'resources' | 'readCached'>;
  delivery: Pick<Delivery, 'broadcast'>;
  /** Most resources in the list. 0: no list. */
  mostNamed: number;
  contents: readonly { server: string; uri: string }[];
  /** Longest wait for all resources together, in ms. */
  waitMs: number;
}

/**
 * Never rejects. `isFirst`: the first request of the turn. Only then are notices sent. `offered`: the tools of the request;
 * a server whose tools are all held back gives no instructions.
 */
export type SystemPrompt = (turn: TurnRef, isFirst: boolean, offered: readonly ToolName[]) => Promise<string>;

const HEAD = 'Resources that the user can include in a message; their contents are not shown here:';

/** Creates the system prompt of a request: the configured text, with what the MCP servers offer. */
export function createSystemPrompt({
  text,
  mcpServers,
  promptsAndResources,
  delivery,
  mostNamed,
  contents,
  waitMs,
}: SystemPromptOptions): SystemPrompt {
  /** Null if it does not arrive in time. */
  const inTime = <Answer>(answer: Promise<Answer>): Promise<Answer | null> =>
    Promise.race([answer, delay(waitMs, null, { ref: false })]);

  async function named(): Promise<string[]> {
    const listed = mostNamed === 0 ? [] : ((await inTime(promptsAndResources.resources())) ?? []);
    const resources = listed.filter(({ isForModel }) => isForModel);
    return resources.length === 0 ? [] : [[HEAD, ...resources.slice(0, mostNamed).map(lineOf)].join('\n')];
  }
  async function contentOf(
    { server, uri }: { server: string; uri: string },
    turn: TurnRef,
    isFirst: boolean,
  ): Promise<string[]> {
    const parts = await inTime(promptsAndResources.readCached(server, uri, turn.owner));
    if (parts !== null && !isUnavailable(parts)) return [sanitizeText(parts.map(partText).join('\n'))];
    if (isFirst)
      notifyMissing(
        turn,
        server,
        `The resource ${uri} of "${server}" belongs to the system prompt and is left out: ${parts?.message ?? 'it did not arrive in time.'}`,
      );
    return [];
  }
  function notifyMissing(turn: TurnRef, server: string, data: string): void {
    delivery.broadcast(turn, chunkFrame(turn, { type: 'notice', kind: 'resource_unavailable', server, data }));
  }

  function instructions(offered: readonly ToolName[]): string[] {
    return mcpServers
      .instructions()
      .filter(({ server, tools }) => tools.length === 0 || offered.some((tool) => tool.server === server))
      .map(({ server, text: said }) => `${instructionsHead(server)}\n${said}`);
  }

  return async (turn, isFirst, offered) => {
    const parts = await Promise.all([named(), ...contents.map((each) => contentOf(each, turn, isFirst))]);
    return [text, ...instructions(offered), ...parts.flat()].filter((part) => part !== '').join('\n\n');
  };
}

/** Names the author, because the text is untrusted. */
function instructionsHead(server: string): string {
  return `Instructions of the MCP server "${server}" for the use of its own tools and resources:`;
}

function lineOf({ server, uri, name, description }: FromServer<Resource>): string {
  return `- ${uri} (${server}): ${name}${description === '' ? '' : `. ${description}`}`;
}
