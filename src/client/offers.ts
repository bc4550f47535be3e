/**
 * The client's requests about prompts and resources of MCP servers. Each is a question that may be asked again;
 * what the answers hold is for results.ts.
 */
import {
  isCompletions,
  isFilledPrompt,
  isPromptPage,
  isResourceContents,
  isResourcePage,
  type Completions,
  type FilledPrompt,
  type PromptPage,
  type ResourceContents,
  type ResourcePage,
} from './results.ts';

/** A page of a list, of all servers or of one; the first without a cursor. */
export interface OfferRange {
  server?: string;
  cursor?: string;
  limit?: number;
}

/** What is to be completed: an argument of a prompt, or a variable of a template. */
export interface Completing {
  prompt?: string;
  uriTemplate?: string;
  argument: { name: string; value: string };
  /** Other arguments that are filled in already. */
  known?: Record<string, string>;
}

/** All promises reject with a ParleyError: `mcp_unavailable` while a server is away, `mcp_refused` for what it does not have. */
export interface Offers {
  prompts(range?: OfferRange): Promise<PromptPage>;
  getPrompt(server: string, name: string, args?: Record<string, string>): Promise<FilledPrompt>;
  resources(range?: OfferRange): Promise<ResourcePage>;
  readResource(server: string, uri: string): Promise<ResourceContents>;
  completeArgument(server: string, completing: Completing): Promise<Completions>;
}

type Ask = <Known extends object>(
  action: string,
  payload: object,
  isKnown: (result: object) => result is Known,
) => Promise<Known>;

export function createOffers(ask: Ask): Offers {
  return {
    prompts: (range = {}) => ask('prompts', range, isPromptPage),
    getPrompt: (server, name, args = {}) => ask('get_prompt', { server, name, arguments: args }, isFilledPrompt),
    resources: (range = {}) => ask('resources', range, isResourcePage),
    readResource: (server, uri) => ask('read_resource', { server, uri }, isResourceContents),
    completeArgument: (server, { uriTemplate, ...completing }) =>
      ask('complete_argument', { server, uri_template: uriTemplate, ...completing }, isCompletions),
  };
}
