/**
 * Writes the start page: what this is, whether it runs, which model answers, and how to chat with it. Pure: it
 * shows all that it is given.
 */
import type { PageFiles } from './page-files.ts';

/** The model that answers. */
export interface Answering {
  /** The provider's name in the configuration. */
  name: string;
  model: string;
  /** The embedded offline model. */
  demo: boolean;
}

export interface HomeFacts {
  version: string;
  /** True while chats are accepted. */
  isServing: boolean;
  /** Of the WebSocket, as this viewer reaches it. */
  address: string;
  /** On which this machine reaches the server. */
  port: number;
  /** Null for a viewer who has to send a token first. */
  answering: Answering | null;
  /** Whether chats need a token. */
  asksForToken: boolean;
  /** Whether this viewer may open the inspection page. */
  mayInspect: boolean;
}

/** Of `chat.websocket.port`: commands need no flag for it. */
const DEFAULT_PORT = 8000;

/** The page as HTML. Every value is escaped. */
export function writeHomePage({ html, docs }: Pick<PageFiles, 'html' | 'docs'>, facts: HomeFacts): string {
  const { asksForToken } = facts;
  const values: Record<string, string> = {
    state: facts.isServing ? 'runs' : 'stops',
    status: facts.isServing ? 'running' : 'shutting down',
    version: escaped(facts.version),
    address: escaped(facts.address),
    port: facts.port === DEFAULT_PORT ? '' : ` --port ${facts.port}`,
    answers: answers(facts.answering),
    token: asksForToken
      ? 'This server asks for a token. Its operator makes one with <code>./run.sh token NAME</code>. Put it in the place of <code>TOKEN</code>, and for <code>./run.sh say</code> into the environment variable <code>PARLEY_TOKEN</code>.'
      : 'No token is needed. Send a request, and read the frames of the answer.',
    request: escaped(JSON.stringify({ action: 'chat', request_id: '1', payload: { text: 'add 2 and 3' } })),
    header: asksForToken ? escaped(' -H "Authorization: Bearer TOKEN"') : '',
    protocols: asksForToken ? escaped(", ['parley', 'parley.token.TOKEN']") : '',
    pages: pages(facts.mayInspect),
    docs: docs.map((path) => `<li><a href="/docs/${encodeURI(path)}">${escaped(path)}</a></li>`).join(''),
  };
  return html.replaceAll(/\{\{(\w+)\}\}/g, (whole, name: string) => values[name] ?? whole);
}

function answers(answering: Answering | null): string {
  if (answering === null) return 'a model that is shown only with a token';
  if (answering.demo)
    return 'the demo model, offline; set <code>OPENAI_API_KEY</code>, <code>GROQ_API_KEY</code>, <code>OPENROUTER_API_KEY</code> or <code>ANTHROPIC_API_KEY</code> and restart for a real one';
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
