/**
 * Prepares the custom flows: which tools are called, with which arguments, in which flows. Reports why a tool is not
 * called. Plays nothing itself.
 */
import { conversationLimits, toolPolicy } from '../../../src/config/options.ts';
import type { Config } from '../../../src/config/schema/schema.ts';
import { withPolicy } from '../../../src/conversation/actors/load-context.ts';
import type { Tool } from '../../../src/mcp/port.ts';
import type { McpServersHost } from '../../../src/mcp/mcp-servers.ts';
import { proofSettings, type Settings } from '../../proof/world.ts';
import { deriveFlows } from './derive-flows.ts';
import { checkToolNames, notOffered, type FlowsFile } from './flows-file.ts';
import { makeArguments } from './make-arguments.ts';
import { describeCustomFlow, type CustomFlow } from './custom-flow.ts';
import { readFlow } from './written-flow.ts';

export interface PrepareOptions {
  /** Only flows that the chart generates for this tool. */
  tool: string | undefined;
  /** Also tools that may change things. */
  all: boolean;
  say(line: string): void;
}

/** Returns each tool's generated flows, then the written ones. Rejects for a flow that the chart does not allow. */
export async function prepare(
  config: Config,
  mcpServers: McpServersHost,
  given: FlowsFile,
  { tool: wanted, all, say }: PrepareOptions,
): Promise<{ flows: CustomFlow[]; settings: Settings }> {
  for (const { name, state, tools, error } of mcpServers.statuses())
    say(`${name}: ${state}, ${tools} tool${tools === 1 ? '' : 's'}${error === null ? '' : ` (${error})`}`);
  const offered = mcpServers.tools();
  const names = offered.map(({ name }) => name);
  checkToolNames(given, names);
  if (wanted !== undefined && !names.includes(wanted)) throw new Error(notOffered(wanted, names));
  for (const name of namesIn(given))
    if (!offered.some((tool) => tool.name === name)) say(`no server offers ${name}: calls of it end as unknown`);
  const settings: Settings = {
    limits: { ...proofSettings.limits, ...conversationLimits(config), providers: ['scripted'] },
    tools: new Map(offered.map((tool) => [tool.name, withPolicy(tool, toolPolicy(config))])),
  };
  const argumentsFor = (name: string) =>
    given.tools[name]?.arguments ?? makeArguments(offered.find((tool) => tool.name === name)?.inputSchema ?? {});

  /** Returns why a tool is not called; null if it is. A tool with `permission: never` may always be tried. */
  async function whyNot(tool: Tool): Promise<string | null> {
    const { call } = given.tools[tool.name] ?? {};
    if (call === false) return 'as the file of flows says';
    const isRefused = settings.tools.get(tool.name)?.permission === 'never';
    if (call !== true && !all && !isRefused && tool.effect !== 'read_only')
      return 'which may change things: set `call: true` for it in the file of flows, or use --all';
    const { violation: breach } = await mcpServers.fitChange(tool, argumentsFor(tool.name));
    return breach === null
      ? null
      : `whose schema asks for more than can be generated (${[...breach.path, breach.message].join(' ')}): set \`arguments\` for it in the file of flows`;
  }

  const chosen = offered.filter(({ name }) => wanted === undefined || name === wanted);
  const reasons = await Promise.all(chosen.map(whyNot));
  const derived = chosen.flatMap((tool, index) => {
    const reason = reasons[index] ?? null;
    if (reason !== null) say(`not called: ${tool.name}, ${reason}`);
    return reason === null ? deriveFlows(tool.name, settings).map((moves) => flowOf(tool.name, moves)) : [];
  });
  const written = wanted === undefined ? given.flows.map((flow) => readFlow(flow, settings, argumentsFor)) : [];
  // Flows without a call are the same for every tool.
  return { settings, flows: [...new Map(derived.map((flow) => [flow.name, flow])).values(), ...written] };

  function flowOf(tool: string, moves: CustomFlow['moves']): CustomFlow {
    return {
      name: describeCustomFlow(moves, settings),
      prompt: `Try ${tool}, please.`,
      moves,
      arguments: moves.flatMap((move) => (move.do === 'ask' ? [[argumentsFor(tool)]] : [])),
      says: 'Done.',
      expect: {},
      isWritten: false,
    };
  }
}

/** Tools that the file mentions. */
function namesIn({ tools, flows }: FlowsFile): Set<string> {
  const called = flows.flatMap(({ model }) =>
    model.flatMap((said) => ('calls' in said ? said.calls.map(({ tool }) => tool) : [])),
  );
  return new Set([...Object.keys(tools), ...called]);
}
