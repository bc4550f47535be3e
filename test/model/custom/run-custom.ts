/**
 * Tests the user's own prompts, tools and limits. Starts the server with the user's configuration and MCP servers and a
 * scripted model, plays generated and written flows, and prints a report.
 */
import { join } from 'node:path';
import { conversationMachine } from '../../../machines/conversation/machine.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema/schema.ts';
import { startModelServer, type ModelServer } from '../../support/model/server.ts';
import { edgesOf } from '../../proof/edges.ts';
import type { Settings } from '../../proof/world.ts';
import { unmetExpectations } from './expectations.ts';
import { readFlowsFile } from './flows-file.ts';
import { needsShortTimeouts, statesPassed, describeCustomFlow, type CustomFlow } from './custom-flow.ts';
import { playCustom, type PlayedFlow } from './play-custom.ts';
import { prepare } from './prepare-flows.ts';
import { startWatchedServer, type WatchedServer } from './watched-server.ts';

export interface CustomOptions {
  /** File of a Parley configuration; undefined selects the project's own. */
  config: string | undefined;
  /** File of flows. */
  flows: string | undefined;
  /** Only this tool, and only flows with this in their name. */
  tool: string | undefined;
  only: string | undefined;
  /** Also tools that may change things. */
  all: boolean;
  say(line: string): void;
  /** Whether the report has no reader any more: no further flow is played. */
  isUnread(): boolean;
}

const projectDirectory = join(import.meta.dirname, '..', '..', '..');

/**
 * Returns whether all flows held. Rejects with a readable message when the server does not start or a file is invalid.
 */
export async function runCustom({
  config: file,
  flows,
  tool,
  only,
  all,
  say,
  isUnread,
}: CustomOptions): Promise<boolean> {
  const { config } = await loadConfig({ file, env: process.env, cwd: process.cwd(), projectDirectory });
  const given = await readFlowsFile(flows);
  const model = await startModelServer();
  try {
    let held = 0;
    const passed = new Set<string>();
    const playAll = async (chosen: readonly CustomFlow[], settings: Settings, server: WatchedServer) => {
      for (const flow of chosen) {
        if (isUnread()) return;
        const played = await playCustom(flow, { server, model, settings });
        const problems = [...played.problems, ...unmetExpectations(flow, played, given.tools)];
        if (problems.length === 0) held += 1;
        for (const state of statesPassed(played.moves, settings)) passed.add(state);
        for (const line of report(flow, played, problems, settings)) say(line);
        if (problems.length > 0) say(`         again: ${replay({ file, flows, all }, flow)}`);
      }
    };
    const { chosen, settings } = await withServer(config, model, { shortTimeouts: false }, async (server) => {
      const { flows: prepared, settings } = await prepare(config, server.mcpServers, given, { tool, all, say });
      const chosen = prepared.filter(({ name }) => only === undefined || name.includes(only));
      if (chosen.length === 0)
        throw new Error('There is no flow to play: no tool may be called, or no flow has this name.');
      say('');
      await playAll(
        chosen.filter((flow) => !needsShortTimeouts(flow)),
        settings,
        server,
      );
      return { chosen, settings };
    });
    const late = chosen.filter(needsShortTimeouts);
    if (late.length > 0)
      await withServer(config, model, { shortTimeouts: true }, (server) => playAll(late, settings, server));
    const states = [...new Set(edgesOf(conversationMachine).map(({ state }) => state))];
    say(
      `\nThe flows pass through ${passed.size} of the ${states.length} states of a conversation; not through ${states.filter((state) => !passed.has(state)).join(', ')}.`,
    );
    say(`${held} of ${chosen.length} flows held`);
    return held === chosen.length;
  } finally {
    await model.close();
  }
}

function report(
  flow: CustomFlow,
  { moves, rows, tookMs, problems: ownProblems }: PlayedFlow,
  problems: readonly string[],
  settings: Settings,
): string[] {
  // A tool may have ended differently than the flow expected.
  const name = flow.isWritten || ownProblems.length > 0 ? flow.name : describeCustomFlow(moves, settings);
  const errors = new Set(
    rows
      .filter((row) => row.extra?.['status'] === 'error')
      .map((row) => `${String(row.extra?.['name'])} answered with an error: ${row.content}`),
  );
  return [
    `${problems.length === 0 ? 'held  ' : 'BROKEN'} ${name} (${Math.round(tookMs)} ms)`,
    ...[...errors, ...problems].map((line) => `         ${line}`),
  ];
}

function replay(
  { file, flows, all }: { file: string | undefined; flows: string | undefined; all: boolean },
  { name }: CustomFlow,
): string {
  const option = (flag: string, value: string | undefined) =>
    value === undefined ? [] : [`${flag} ${JSON.stringify(value)}`];
  return [
    './run.sh model',
    ...option('--config', file),
    ...option('--flows', flows),
    ...(all ? ['--all'] : []),
    ...option('--only', name),
  ].join(' ');
}

async function withServer<Result>(
  config: Config,
  model: ModelServer,
  options: { shortTimeouts: boolean },
  work: (server: WatchedServer) => Promise<Result>,
): Promise<Result> {
  const server = await startWatchedServer(config, model.url, options);
  try {
    return await work(server);
  } finally {
    await server.close();
  }
}
