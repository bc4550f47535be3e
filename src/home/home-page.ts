/**
 * Renders the start page: the state of the server, its model, and how to chat. Pure.
 */
import { keyVariablesInWords } from '../llm/providers/presets.ts';
import type { PageFiles } from './page-files.ts';

/** The model that answers chats. */
export interface ActiveModel {
  /** The provider's name in the configuration. */
  name: string;
  model: string;
  /** The embedded offline model. */
  demo: boolean;
}

/** What the page shows. */
export interface HomePageData {
  version: string;
  /** True while chats are accepted. */
  isServing: boolean;
  /** URL of the WebSocket, as this client reaches it. */
  address: string;
  /** The local port of the server. */
  port: number;
  /** Null if the client has not sent a required token. */
  activeModel: ActiveModel | null;
  /** Whether chats need a token. */
  requiresToken: boolean;
  /** Whether this client may open the inspection page. */
  mayInspect: boolean;
}

/** The default of `chat.websocket.port`: commands need no flag for it. */
const DEFAULT_PORT = 8000;

/** Returns the page as HTML. Every value is escaped. */
export function writeHomePage({ html, docs }: Pick<PageFiles, 'html' | 'docs'>, facts: HomePageData): string {
  const { requiresToken: asksForToken } = facts;
  const values: Record<string, string> = {
    state: facts.isServing ? 'runs' : 'stops',
    status: facts.isServing ? 'running' : 'shutting down',
    version: escaped(facts.version),
    address: escaped(facts.address),
    port: facts.port === DEFAULT_PORT ? '' : ` --port ${facts.port}`,
    answers: answers(facts.activeModel),
    token: asksForToken
      ? 'This server requires a token. Its operator creates one with <code>./run.sh token NAME</code>. Replace <code>TOKEN</code> with it. For <code>./run.sh say</code>, set the environment variable <code>PARLEY_TOKEN</code>.'
      : 'No token is needed. Send a request, and read the frames of the response.',
    request: escaped(JSON.stringify({ action: 'chat', request_id: '1', payload: { text: 'add 2 and 3' } })),
    header: asksForToken ? escaped(' -H "Authorization: Bearer TOKEN"') : '',
    protocols: asksForToken ? escaped(", ['parley', 'parley.token.TOKEN']") : '',
    pages: pages(facts.mayInspect),
    docs: docs.map((path) => `<li><a href="/docs/${encodeURI(path)}">${escaped(path)}</a></li>`).join(''),
  };
  return html.replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) => values[name] ?? whole);
}

function answers(answering: ActiveModel | null): string {
  if (answering === null) return 'a model that is shown only to clients with a token';
  if (answering.demo)
    return `the demo model, offline; set ${keyVariablesInWords().replaceAll(/\b[A-Z_]+\b/g, '<code>$&</code>')} and restart for a real one`;
  return `<code>${escaped(answering.model)}</code> of the provider ${escaped(answering.name)}`;
}

function pages(mayInspect: boolean): string {
  const all = [
    ...(mayInspect ? [['/inspect', 'watch conversations as they run, and replay them']] : []),
    ['/health', 'version, providers and MCP servers, as JSON'],
    ['/ready', 'whether chats are accepted'],
    ['/metrics', 'for Prometheus'],
  ];
  return all.map(([path, purpose]) => `<li><a href="${path}">${path}</a> <span>${purpose}</span></li>`).join('');
}

function escaped(text: string): string {
  const entities: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return text.replaceAll(/[&<>"']/g, (character) => entities[character] ?? character);
}
