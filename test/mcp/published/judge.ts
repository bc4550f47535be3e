/** Starts a published MCP server as it is delivered, and judges the declarations of its tools by the rules of each API. */
import { startMcpServers, stdioServer } from '../../support/mcp-servers.ts';
import { APIS, MAX_TOOLS, asDeclared, refusedBy, type Api, type Declaration } from '../../support/declaration-rules.ts';
import { declareTools } from '../../../src/llm/tools/declare-tools.ts';
import { asFunction, leftOutTools } from '../../../src/llm/tools/left-out.ts';

/** How a published server is started from the folder of its package. */
export interface PublishedServer {
  /** The name of the npm package. */
  package: string;
  version: string;
  program: string;
  args: string[];
  env: Record<string, string>;
}

/** What came out. */
export interface Judged {
  package: string;
  version: string;
  tools: number;
  /** Tools that each API refuses as the server declares them. */
  refused: Record<Api, number>;
  /** Tools that some API refuses as Parley declares them, each with the reason. */
  stillRefused: string[];
  /** Tools above the number that a request takes. */
  leftOut: number;
}

const limits = { maxDescriptionChars: 100_000, maxOutputSchemaChars: 0, maxSchemaBytes: 1_000_000, maxTools: 1_000 };
const START_MS = 60_000;

/** Rejects if the server does not start. */
export async function judge(server: PublishedServer, folder: string): Promise<Judged> {
  const block = {
    ...stdioServer('published', server.env),
    args: [`${folder}/${server.package}/${server.program}`, ...server.args],
  };
  const times = { connectionTimeoutMs: START_MS, programStartTimeoutMs: START_MS, maxReconnectAttempts: 0 };
  const box = await startMcpServers([block], { ...limits, ...times });
  try {
    await box.host.settled();
    const tools = box.host.tools();
    if (tools.length === 0) throw new Error(`${server.package} lists no tools: ${box.host.statuses()[0]?.error}`);
    const delivered = tools.map(({ toolName, description, inputSchema }): Declaration => ({
      name: toolName,
      description,
      parameters: inputSchema,
    }));
    const leftOut = leftOutTools(
      tools,
      { name: 'any', toolLimits: { maxTools: MAX_TOOLS, maxDescriptionChars: 1_024 } },
      new Set(),
    );
    const offered = tools.filter(({ name }) => !leftOut.has(name));
    const declared = declareTools(offered.map(asFunction), 1_024).tools.map(asDeclared);
    const [openAi, anthropic, gemini] = APIS.map((api) => refusedBy(api, delivered).length);
    return {
      package: server.package,
      version: server.version,
      tools: tools.length,
      refused: { OpenAI: openAi ?? 0, Anthropic: anthropic ?? 0, Gemini: gemini ?? 0 },
      stillRefused: APIS.flatMap((api) => refusedBy(api, declared).map((each) => `${api}: ${each}`)),
      leftOut: leftOut.size,
    };
  } finally {
    await box.stop();
  }
}
