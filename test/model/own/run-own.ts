/**
 * Tests one's own prompts, tools and limits from the model: the server with one's own configuration and MCP servers,
 * a scripted model, flows that the chart gives for each tool and those that one has written, and a report.
 */
import { join } from 'node:path';
import { conversationMachine } from '../../../machines/conversation.ts';
import { conversationLimits, toolPolicy } from '../../../src/config/options.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema.ts';
import { withPolicy } from '../../../src/conversation/load-context.ts';
import type { Tool, ToolboxHost } from '../../../src/mcp/toolbox.ts';
import { startModelServer, type ModelServer } from '../../support/model-server.ts';
import { edgesOf } from '../../proof/edges.ts';
import { proofTerms, type Terms } from '../../proof/world.ts';
import { deriveFlows } from './derive.ts';
import { unmet } from './expectations.ts';
import { readFlowsFile, type FlowsFile } from './flows-file.ts';
import { makeArguments } from './make-arguments.ts';
import { needsHaste, statesPassed, tellOwn, type OwnFlow } from './own-flow.ts';
import { playOwn, type PlayedFlow } from './play-own.ts';
import { startWatchedServer } from './watched-server.ts';
import { readFlow } from './written.ts';

export interface OwnOptions {
  /** A configuration of Parley; without one the project's own. */
  config: string | undefined;
  /** What tools are called with, and flows of one's own. */
  flows: string | undefined;
  /** Only this tool, and only flows that have this in their name. */
  tool: string | undefined;
  only: string | undefined;
  /** Also tools that may change things. */
  all: boolean;
  say(line: string): void;
}

interface Prepared {
  flows: OwnFlow[];
  terms: Terms;
}

const projectDirectory = join(import.meta.dirname, '..', '..', '..');

/** Whether all flows held. Rejects, fit for people, when the server does not start or a file is wrong. */
export async function runOwn({ config: file, flows, tool, only, all, say }: OwnOptions): Promise<boolean> {
  const { config } = await loadConfig({ file, env: process.env, cwd: process.cwd(), projectDirectory });
  const given = await readFlowsFile(flows);
  const model = await startModelServer();
  try {
    const { flows: prepared, terms } = await withServer(config, model, false, async ({ toolbox }) => {
      for (const { name, state, tools, error } of toolbox.servers()) say(`${name}: ${state}, ${tools} tool${tools === 1 ? '' : 's'}${error === null ? '' : ` (${error})`}`);
      return prepare(config, toolbox, given, { tool, all, say });
    });
    const chosen = prepared.filter(({ name }) => only === undefined || name.includes(only));
    if (chosen.length === 0) throw new Error('There is no flow to play: no tool may be called, or none has this name.');
    say('');
    let held = 0;
    const passed = new Set<string>();
    for (const inHaste of [false, true]) {
      const part = chosen.filter((flow) => needsHaste(flow) === inHaste);
      if (part.length === 0) continue;
      await withServer(config, model, inHaste, async (server) => {
        for (const flow of part) {
          const played = await playOwn(flow, { server, model, terms });
          const problems = [...played.problems, ...unmet(flow, played, given.tools)];
          if (problems.length === 0) held += 1;
          for (const state of statesPassed(played.moves, terms)) passed.add(state);
          for (const line of report(flow, played, problems, terms)) say(line);
          if (problems.length > 0) say(`         again: ${replay({ file, flows, all }, flow)}`);
        }
      });
    }
    const states = [...new Set(edgesOf(conversationMachine).map(({ state }) => state))];
    say(`\nThey pass through ${passed.size} of the ${states.length} states of a conversation; not through ${states.filter((state) => !passed.has(state)).join(', ')}.`);
    say(`${held} of ${chosen.length} flows held`);
    return held === chosen.length;
  } finally {
    await model.close();
  }
}

function report(flow: OwnFlow, { moves, rows, tookMs, problems: ownProblems }: PlayedFlow, problems: readonly string[], terms: Terms): string[] {
  // A tool may have ended otherwise than the flow foresaw.
  const name = flow.isWritten || ownProblems.length > 0 ? flow.name : tellOwn(moves, terms);
  const errors = new Set(rows.filter((row) => row.extra?.['status'] === 'error').map((row) => `${String(row.extra?.['name'])} answered with an error: ${row.content}`));
  return [`${problems.length === 0 ? 'held  ' : 'BROKEN'} ${name} (${Math.round(tookMs)} ms)`, ...[...errors, ...problems].map((line) => `         ${line}`)];
}

function replay({ file, flows, all }: { file: string | undefined; flows: string | undefined; all: boolean }, { name }: OwnFlow): string {
  const option = (flag: string, value: string | undefined) => (value === undefined ? [] : [`${flag} ${JSON.stringify(value)}`]);
  return ['./run.sh model', ...option('--config', file), ...option('--flows', flows), ...(all ? ['--all'] : []), ...option('--only', name)].join(' ');
}

async function withServer<Result>(config: Config, model: ModelServer, inHaste: boolean, work: (server: Awaited<ReturnType<typeof startWatchedServer>>) => Promise<Result> | Result): Promise<Result> {
  const server = await startWatchedServer(config, model.url, { inHaste });
  try {
    return await work(server);
  } finally {
    await server.close();
  }
}

/** Each tool's flows by the chart, then those that are written. */
function prepare(config: Config, toolbox: ToolboxHost, given: FlowsFile, { tool: wanted, all, say }: Pick<OwnOptions, 'tool' | 'all' | 'say'>): Prepared {
  const offered = toolbox.tools();
  const unknown = [...Object.keys(given.tools), ...given.flows.flatMap(({ model }) => model.flatMap((said) => ('calls' in said ? said.calls.map(({ tool }) => tool) : [])))].filter((name) => !offered.some((tool) => tool.name === name));
  for (const name of new Set(unknown)) say(`no server offers ${name}: calls of it end as unknown`);
  const terms: Terms = {
    limits: { ...proofTerms.limits, ...conversationLimits(config), providers: ['scripted'] },
    tools: new Map(offered.map((tool) => [tool.name, withPolicy(tool, toolPolicy(config))])),
  };
  const argumentsFor = (name: string) => given.tools[name]?.arguments ?? makeArguments(offered.find((tool) => tool.name === name)?.inputSchema ?? {});
  const callable = offered.filter((tool) => {
    const isRefused = terms.tools.get(tool.name)?.permission === 'never';
    const reason = isRefused ? null : whyNot(tool, toolbox, given, all, argumentsFor(tool.name));
    if (reason !== null) say(`not called: ${tool.name}, ${reason}`);
    return reason === null && (wanted === undefined || tool.name === wanted);
  });
  const derived = callable.flatMap(({ name }) =>
    deriveFlows(name, terms).map((moves): OwnFlow => ({
      name: tellOwn(moves, terms),
      prompt: `Try ${name}, please.`,
      moves,
      arguments: moves.flatMap((move) => (move.do === 'ask' ? [[argumentsFor(name)]] : [])),
      says: 'Done.',
      expect: {},
      isWritten: false,
    })),
  );
  const written = wanted === undefined ? given.flows.map((flow) => readFlow(flow, terms, argumentsFor)) : [];
  // Flows without a call are the same for every tool.
  return { terms, flows: [...new Map(derived.map((flow) => [flow.name, flow])).values(), ...written] };
}

/** Null for a tool that is called. */
function whyNot(tool: Tool, toolbox: ToolboxHost, given: FlowsFile, all: boolean, args: Record<string, unknown>): string | null {
  const { call } = given.tools[tool.name] ?? {};
  if (call === false) return 'by your word';
  if (call !== true && !all && tool.effect !== 'read_only') return 'which may change things: say `call: true` of it in the file of flows, or --all';
  const breach = toolbox.check(tool, args);
  return breach === null ? null : `whose schema asks for more than can be made up (${[...breach.path, breach.message].join(' ')}): give it \`arguments\` in the file of flows`;
}
