/**
 * Plays a custom flow against the server: the scripted model answers as the flow says, a person answers approval
 * requests, and the tools are real. Applies the same moves to the chart, with the results that calls really have, and
 * compares.
 */
import { randomUUID } from 'node:crypto';
import { connect } from '../../../src/client/client.ts';
import type { FollowedFrame } from '../../../src/client/follow.ts';
import type { LogEvent } from '../../../src/protocol/log-event.ts';
import { createNotifier } from '../../proof/notifier.ts';
import type { Stimulus } from '../../proof/moves.ts';
import { stateOf, type Settings } from '../../proof/world.ts';
import { says, streams, text, type Reply } from '../../support/model-replies.ts';
import type { ModelServer } from '../../support/model-server.ts';
import { asks } from '../../support/model-tool-calls.ts';
import { begin, rowLabel, step, type CustomFlow } from './custom-flow.ts';
import type { WatchedServer } from './watched-server.ts';

export interface PlayedFlow {
  /** The moves, with the results that calls had. */
  moves: readonly Stimulus[];
  rows: readonly LogEvent[];
  /** Everything that the model was sent. */
  modelSaw: string;
  /** Differences from the chart and other failures; empty if there are none. */
  problems: string[];
  tookMs: number;
}

/** Added to the timeout of the tool. */
const TIMEOUT_MS = 15_000;

export async function playCustom(
  flow: CustomFlow,
  { server, model, settings }: { server: WatchedServer; model: ModelServer; settings: Settings },
): Promise<PlayedFlow> {
  const startedMs = performance.now();
  const notifier = createNotifier(settings.limits.toolMaxTimeoutMs + TIMEOUT_MS);
  const conversationId = randomUUID();
  const client = connect(server.url);
  const rows: LogEvent[] = [];
  const problems: string[] = [];
  const moves: Stimulus[] = [];
  const modelWas = { requests: model.requests.length, violations: model.violations.length };
  let world = begin(settings);
  let state: string | null = null;
  let hasBegun = false;
  let chat: ReturnType<typeof client.chat> | null = null;

  const take = (frame: FollowedFrame) => {
    if (frame.status === 'event') rows.push(frame.event);
    else if (frame.status === 'state') state = frame.state.value;
    else if (frame.status === 'chunk' && frame.chunk.type === 'text') hasBegun = true;
    notifier.notify();
  };
  const follow = async () => {
    for await (const frame of client.follow(conversationId, { state: true })) take(frame);
  };
  const ofKind = (word: string) => rows.filter((row) => (row.extra?.['kind'] ?? row.type) === word);
  const make = (move: Stimulus) => {
    moves.push(move);
    world = step(world, move);
  };

  async function perform(move: Stimulus): Promise<void> {
    switch (move.do) {
      case 'chat':
        chat = client.chat(flow.prompt, { conversationId });
        // Its rows say how it ends.
        chat.end.catch(() => undefined);
        await chat.accepted;
        void follow().catch((error: unknown) => problems.push(String(error)));
        return make(move);
      case 'respond': {
        const answered = ofKind('response').length;
        await notifier.waitUntil(
          () => ofKind('approval_request').length > answered,
          () => 'an approval request',
        );
        const answers = ofKind('response').map((row) => row.extra?.['interrupt_id']);
        const question = ofKind('approval_request').find((row) => !answers.includes(row.extra?.['interrupt_id']));
        await client.respond(conversationId, {
          interruptId: String(question?.extra?.['interrupt_id']),
          decision: move.decision,
        });
        await notifier.waitUntil(
          () => ofKind('response').length > answered,
          () => 'the answer to be stored',
        );
        return make(move);
      }
      case 'call': {
        const before = moves.filter((made) => made.do === 'call').length;
        const ended = () =>
          ofKind('tool_result').filter((row) =>
            ['ok', 'error', 'timed_out', 'outcome_unknown'].includes(String(row.extra?.['status'])),
          );
        await notifier.waitUntil(
          () => ended().length > before || rows.some(isServersQuestion),
          () => `${move.tool} to end`,
        );
        if (ended().length <= before)
          throw new Error(`${move.tool} asks a person, and flows cannot answer that: set \`call: false\` for it`);
        const row = ended()[before];
        const { name, status } = row?.extra ?? {};
        if (move.ends === 'late') return make(move);
        if (status !== 'ok' && status !== 'error')
          throw new Error(`${String(name)} ended as ${String(status)}: ${row?.content}`);
        return make({ do: 'call', tool: String(name), ends: status });
      }
      case 'begin':
        await notifier.waitUntil(
          () => hasBegun,
          () => 'the first text',
        );
        return make(move);
      case 'stop':
        await notifier.waitUntil(
          () => state === stateOf(world),
          () => `the conversation to be in ${stateOf(world)}; it is in ${state}`,
        );
        await chat?.cancel();
        return make(move);
      default:
        return make(move);
    }
  }

  try {
    model.script(...repliesOf(flow));
    server.withholdAnswers(withheldAnswers(flow, settings));
    for (const move of flow.moves) await perform(move);
    await notifier.waitUntil(
      () => ofKind('turn_end').length > 0,
      () => 'the turn to end',
    );
    const [seen, expected] = [rows.map(rowLabel), world.log.rows().map(rowLabel)];
    const at = expected.findIndex((label, index) => label !== seen[index]);
    if (at !== -1 || seen.length !== expected.length)
      problems.push(
        `the log differs from the chart at row ${at === -1 ? expected.length + 1 : at + 1}:`,
        `the chart: ${expected.join(', ')}`,
        `the log:   ${seen.join(', ')}`,
      );
    problems.push(
      ...model.violations
        .slice(modelWas.violations)
        .map((violation) => `the model got an invalid history: ${violation}`),
    );
  } catch (error) {
    problems.push(
      error instanceof Error ? error.message : String(error),
      ...rows.map((row) => `row ${row.seq}: ${rowLabel(row)} ${row.content ?? ''}`),
    );
  } finally {
    client.close();
  }
  const modelSaw = model.requests
    .slice(modelWas.requests)
    .map(({ body }) =>
      body.messages.map(({ content }) => (typeof content === 'string' ? content : JSON.stringify(content))).join('\n'),
    )
    .join('\n');
  return { moves, rows, modelSaw, problems, tookMs: performance.now() - startedMs };
}

function isServersQuestion({ extra }: LogEvent): boolean {
  return extra?.['kind'] === 'elicitation_request' || extra?.['kind'] === 'sampling_request';
}

/** One reply for each request. A turn that is stopped during its answer gets the beginning of one. */
function repliesOf({ moves, arguments: given, says: words }: CustomFlow): Reply[] {
  const hops = given.values();
  return moves.flatMap((move): Reply[] => {
    if (move.do === 'answer') return [says(words)];
    if (move.do === 'begin') return [streams(text('Once '), { play: 'stall' })];
    if (move.do !== 'ask') return [];
    const args = hops.next().value ?? [];
    return [asks(move.tools.map((name, index) => ({ name, arguments: args[index] ?? {} })))];
  });
}

/** For each call, whether its answer is withheld because the flow does not let it arrive. */
function withheldAnswers({ moves }: CustomFlow, settings: Settings): boolean[] {
  let world = begin(settings);
  const kept: boolean[] = [];
  for (const [at, move] of moves.entries()) {
    const before = world.outside.calls;
    world = step(world, move);
    const isLate = moves.slice(at + 1).find(({ do: word }) => word === 'call' || word === 'stop');
    for (let made = before; made < world.outside.calls; made += 1)
      kept.push(isLate?.do === 'stop' || (isLate?.do === 'call' && isLate.ends === 'late'));
  }
  return kept;
}
