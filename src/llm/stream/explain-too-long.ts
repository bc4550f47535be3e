/** Explains a request that is too long for the model: what is large in it, and what an operator or a user can do. Pure. */
import { requestTokens, type ContextSizes, type ToolSizes } from '../../../machines/context-window/context-sizes.ts';
import { answerLimit } from '../providers/request-limits.ts';
import type { Provider } from '../providers/provider.ts';

/** A part of the request. */
interface Part {
  tokens: number;
  /** Names it after its tokens. */
  name: string;
  remedy: string;
}

/** Continues a sentence after the provider's name. `sizes` is null if the sizes are unknown. */
export function explainTooLong(provider: Provider, model: string, sizes: ContextSizes | null): string {
  const window = 'lower chat.service.context.max_tokens';
  if (sizes === null) return `reports that the request is too long for "${model}"; ${window} or shorten the message`;
  const parts = [...partsOf(sizes), ...answerOf(provider, model)]
    .filter(({ tokens }) => tokens > 0)
    .toSorted((one, other) => other.tokens - one.tokens);
  const listed = parts.map(({ tokens, name }) => `${tokens} ${name}`).join('; ');
  const remedy = parts[0] === undefined ? window : `${parts[0].remedy}, or ${window}`;
  return `reports that the request is too long for "${model}": about ${requestTokens(sizes)} tokens (${listed}); ${remedy}`;
}

function partsOf({ system, tools, message, result, rest }: ContextSizes): Part[] {
  return [
    {
      tokens: tools.tokens,
      name: `in the schemas of ${tools.count} tool${tools.count === 1 ? '' : 's'}, most of ${largestOf(tools)}`,
      remedy: 'offer fewer tools (disable an MCP server, or set tools to never in chat.service.tools.permission)',
    },
    {
      tokens: system,
      name: 'in the system prompt',
      remedy: 'shorten chat.service.system_prompt and mcp.resources_in_prompt',
    },
    { tokens: message, name: 'in the message', remedy: 'shorten the message' },
    {
      tokens: result?.tokens ?? 0,
      name: `in a result of the tool "${result?.tool}"`,
      remedy: 'lower chat.service.tools.max_result_tokens',
    },
    { tokens: rest, name: 'in other messages', remedy: 'start a new conversation' },
  ];
}

function largestOf({ largestServer, largestTool }: ToolSizes): string {
  return largestTool === null ? `the server "${largestServer}"` : `the tool "${largestTool}"`;
}

function answerOf(provider: Provider, model: string): Part[] {
  const limit = answerLimit(provider, model);
  return limit === null
    ? []
    : [{ tokens: limit.tokens, name: `reserved for the answer by ${limit.key}`, remedy: `lower ${limit.key}` }];
}
