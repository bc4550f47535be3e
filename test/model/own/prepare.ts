/**
 * What is played of one's own: which tools are called, with what, in which flows. Tells why a tool is left alone; plays
 * nothing itself.
 */
import { conversationLimits, toolPolicy } from '../../../src/config/options.ts';
import type { Config } from '../../../src/config/schema/schema.ts';
import { withPolicy } from '../../../src/conversation/actors/load-context.ts';
import type { Tool } from '../../../src/mcp/port.ts';
import type { McpServersHost } from '../../../src/mcp/mcp-servers.ts';
import { proofTerms, type Terms } from '../../proof/world.ts';
import { deriveFlows } from './derive.ts';
import { checkToolNames, notOffered, type FlowsFile } from './flows-file.ts';
import { makeArguments } from './make-arguments.ts';
import { tellOwn, type OwnFlow } from './own-flow.ts';
import { readFlow } from './written.ts';

export interface PrepareOptions {
  /** Only the flows that the chart gives for this tool. */
  tool: string | undefined;
  /** Also tools that may change things. */
  all: boolean;
  say(line: string): void;
}

/** Each tool's flows by the chart, then those that are written. Throws for one that the chart does not allow. */
export function prepare(
  config: Config,
  mcpServers: McpServersHost,
  given: FlowsFile,
  { tool: wanted, all, say }: PrepareOptions,
): { flows: OwnFlow[]; terms: Terms } {
  for (const { name, state, tools, error } of mcpServers.statuses())
    say(`${name}: ${state}, ${tools} tool${tools === 1 ? '' : 's'}${error === null ? '' : ` (${error})`}`);
  const offered = mcpServers.tools();
  const names = offered.map(({ name }) => name);
  checkToolNames(given, names);
  if (wanted !== undefined && !names.includes(wanted)) throw new Error(notOffered(wanted, names));
  for (const name of namesIn(given))
    if (!offered.some((tool) => tool.name === name)) say(`no server offers ${name}: calls of it end as unknown`);
  const terms: Terms = {
    limits: { ...proofTerms.limits, ...conversationLimits(config), providers: ['scripted'] },
    tools: new Map(offered.map((tool) => [tool.name, withPolicy(tool, toolPolicy(config))])),
  };
  const argumentsFor = (name: string) =>
    given.tools[name]?.arguments ?? makeArguments(offered.find((tool) => tool.name === name)?.inputSchema ?? {});

  /** Null for a tool that goes through its flows. One that the policy refuses is never really called. */
  function whyNot(tool: Tool): string | null {
    const { call } = given.tools[tool.name] ?? {};
    if (call === false) return 'by your word';
    const isRefused = terms.tools.get(tool.name)?.permission === 'never';
    if (call !== true && !all && !isRefused && tool.effect !== 'read_only')
      return 'which may change things: say `call: true` of it in the file of flows, or --all';
    const breach = mcpServers.validateChange(tool, argumentsFor(tool.name));
    return breach === null
      ? null
      : `whose schema asks for more than can be made up (${[...breach.path, breach.message].join(' ')}): give it \`arguments\` in the file of flows`;
  }

  const derived = offered
    .filter(({ name }) => wanted === undefined || name === wanted)
    .flatMap((tool) => {
      const reason = whyNot(tool);
      if (reason !== null) say(`not called: ${tool.name}, ${reason}`);
      return reason === null ? deriveFlows(tool.name, terms).map((moves) => flowOf(tool.name, moves)) : [];
    });
  const written = wanted === undefined ? given.flows.map((flow) => readFlow(flow, terms, argumentsFor)) : [];
  // Flows without a call are the same for every tool.
  return { terms, flows: [...new Map(derived.map((flow) => [flow.name, flow])).values(), ...written] };

  function flowOf(tool: string, moves: OwnFlow['moves']): OwnFlow {
    return {
      name: tellOwn(moves, terms),
      prompt: `Try ${tool}, please.`,
      moves,
      arguments: moves.flatMap((move) => (move.do === 'ask' ? [[argumentsFor(tool)]] : [])),
      says: 'Done.',
      expect: {},
      isWritten: false,
    };
  }
}

/** Of tools that the file speaks of. */
function namesIn({ tools, flows }: FlowsFile): Set<string> {
  const called = flows.flatMap(({ model }) =>
    model.flatMap((said) => ('calls' in said ? said.calls.map(({ tool }) => tool) : [])),
  );
  return new Set([...Object.keys(tools), ...called]);
}
