/**
 * Tests one's own prompts, tools and limits from the model: the server with one's own configuration and MCP servers,
 * a scripted model, flows that the chart gives for each tool and those that one has written, and a report.
 */
import { join } from 'node:path';
import { conversationMachine } from '../../../machines/conversation/machine.ts';
import { loadConfig } from '../../../src/config/load.ts';
import type { Config } from '../../../src/config/schema/schema.ts';
import { startModelServer, type ModelServer } from '../../support/model/server.ts';
import { edgesOf } from '../../proof/edges.ts';
import type { Terms } from '../../proof/world.ts';
import { unmet } from './expectations.ts';
import { readFlowsFile } from './flows-file.ts';
import { needsHaste, statesPassed, tellOwn, type OwnFlow } from './own-flow.ts';
import { playOwn, type PlayedFlow } from './play-own.ts';
import { prepare } from './prepare.ts';
import { startWatchedServer, type WatchedServer } from './watched-server.ts';

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
  /** Whether the report has no reader any more: no further flow is played. */
  isUnread(): boolean;
}

const projectDirectory = join(import.meta.dirname, '..', '..', '..');

/** Whether all flows held. Rejects, fit for people, when the server does not start or a file is wrong. */
export async function runOwn({ config: file, flows, tool, only, all, say, isUnread }: OwnOptions): Promise<boolean> {
  const { config } = await loadConfig({ file, env: process.env, cwd: process.cwd(), projectDirectory });
  const given = await readFlowsFile(flows);
  const model = await startModelServer();
  try {
    let held = 0;
    const passed = new Set<string>();
    const playAll = async (chosen: readonly OwnFlow[], terms: Terms, server: WatchedServer) => {
      for (const flow of chosen) {
        if (isUnread()) return;
        const played = await playOwn(flow, { server, model, terms });
        const problems = [...played.problems, ...unmet(flow, played, given.tools)];
        if (problems.length === 0) held += 1;
        for (const state of statesPassed(played.moves, terms)) passed.add(state);
        for (const line of report(flow, played, problems, terms)) say(line);
        if (problems.length > 0) say(`         again: ${replay({ file, flows, all }, flow)}`);
      }
    };
    const { chosen, terms } = await withServer(config, model, { inHaste: false }, async (server) => {
      const { flows: prepared, terms } = prepare(config, server.toolbox, given, { tool, all, say });
      const chosen = prepared.filter(({ name }) => only === undefined || name.includes(only));
      if (chosen.length === 0)
        throw new Error('There is no flow to play: no tool may be called, or none has this name.');
      say('');
      await playAll(
        chosen.filter((flow) => !needsHaste(flow)),
        terms,
        server,
      );
      return { chosen, terms };
    });
    const hasty = chosen.filter(needsHaste);
    if (hasty.length > 0) await withServer(config, model, { inHaste: true }, (server) => playAll(hasty, terms, server));
    const states = [...new Set(edgesOf(conversationMachine).map(({ state }) => state))];
    say(
      `\nThey pass through ${passed.size} of the ${states.length} states of a conversation; not through ${states.filter((state) => !passed.has(state)).join(', ')}.`,
    );
    say(`${held} of ${chosen.length} flows held`);
    return held === chosen.length;
  } finally {
    await model.close();
  }
}

function report(
  flow: OwnFlow,
  { moves, rows, tookMs, problems: ownProblems }: PlayedFlow,
  problems: readonly string[],
  terms: Terms,
): string[] {
  // A tool may have ended otherwise than the flow foresaw.
  const name = flow.isWritten || ownProblems.length > 0 ? flow.name : tellOwn(moves, terms);
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
  { name }: OwnFlow,
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
  options: { inHaste: boolean },
  work: (server: WatchedServer) => Promise<Result>,
): Promise<Result> {
  const server = await startWatchedServer(config, model.url, options);
  try {
    return await work(server);
  } finally {
    await server.close();
  }
}
