/**
 * Plays a flow of one's own tools against the server: the scripted model says what the flow has it say, people answer
 * what they are asked, and the tools are the real ones. The chart is played beside it, with the ends that calls really have.
 */
import { randomUUID } from 'node:crypto';
import { connect } from '../../../src/client/client.ts';
import type { FollowedFrame } from '../../../src/client/follow.ts';
import type { LogEvent } from '../../../src/protocol/log-event.ts';
import { createBell } from '../../proof/bell.ts';
import type { Stimulus } from '../../proof/vocabulary.ts';
import { stateOf, type Terms } from '../../proof/world.ts';
import { says, streams, text, type Reply } from '../../support/model/replies.ts';
import type { ModelServer } from '../../support/model/server.ts';
import { asks } from '../../support/model/tool-calls.ts';
import { begin, step, type OwnFlow } from './own-flow.ts';
import { labelOf } from './row-label.ts';
import type { WatchedServer } from './watched-server.ts';

export interface PlayedFlow {
  /** The moves, with the ends that calls had. */
  moves: readonly Stimulus[];
  rows: readonly LogEvent[];
  /** All that the model was sent. */
  modelSaw: string;
  /** What went wrong; empty when the server did what the chart says. */
  problems: string[];
  tookMs: number;
}

/** Beyond a tool's own time. */
const PATIENCE_MS = 15_000;

export async function playOwn(
  flow: OwnFlow,
  { server, model, terms }: { server: WatchedServer; model: ModelServer; terms: Terms },
): Promise<PlayedFlow> {
  const startedMs = performance.now();
  const bell = createBell(terms.limits.toolMaxTimeoutMs + PATIENCE_MS);
  const conversationId = randomUUID();
  const client = connect(server.url);
  const rows: LogEvent[] = [];
  const problems: string[] = [];
  const moves: Stimulus[] = [];
  const modelWas = { requests: model.requests.length, violations: model.violations.length };
  let world = begin(terms);
  let state: string | null = null;
  let hasBegun = false;
  let chat: ReturnType<typeof client.chat> | null = null;

  const take = (frame: FollowedFrame) => {
    if (frame.status === 'event') rows.push(frame.event);
    else if (frame.status === 'state') state = frame.state.value;
    else if (frame.status === 'chunk' && frame.chunk.type === 'text') hasBegun = true;
    bell.ring();
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
        // How it ends is read from its rows.
        chat.end.catch(() => undefined);
        await chat.accepted;
        void follow().catch((error: unknown) => problems.push(String(error)));
        return make(move);
      case 'respond': {
        const answered = ofKind('response').length;
        await bell.until(
          () => ofKind('approval_request').length > answered,
          () => 'a person to be asked',
        );
        const answers = ofKind('response').map((row) => row.extra?.['interrupt_id']);
        const question = ofKind('approval_request').find((row) => !answers.includes(row.extra?.['interrupt_id']));
        await client.respond(conversationId, {
          interruptId: String(question?.extra?.['interrupt_id']),
          decision: move.decision,
        });
        await bell.until(
          () => ofKind('response').length > answered,
          () => 'the answer to be kept',
        );
        return make(move);
      }
      case 'call': {
        const before = moves.filter((made) => made.do === 'call').length;
        const ended = () =>
          ofKind('tool_result').filter((row) =>
            ['ok', 'error', 'timed_out', 'outcome_unknown'].includes(String(row.extra?.['status'])),
          );
        await bell.until(
          () => ended().length > before || rows.some(isServersQuestion),
          () => `${move.tool} to end`,
        );
        if (ended().length <= before)
          throw new Error(
            `${move.tool} asks a person something, and flows have no answer to that: say \`call: false\` of it`,
          );
        const row = ended()[before];
        const { name, status } = row?.extra ?? {};
        if (move.ends === 'late') return make(move);
        if (status !== 'ok' && status !== 'error')
          throw new Error(`${String(name)} ended as ${String(status)}: ${row?.content}`);
        return make({ do: 'call', tool: String(name), ends: status });
      }
      case 'begin':
        await bell.until(
          () => hasBegun,
          () => 'the first words',
        );
        return make(move);
      case 'stop':
        await bell.until(
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
    server.keepBack(keptBack(flow, terms));
    for (const move of flow.moves) await perform(move);
    await bell.until(
      () => ofKind('turn_end').length > 0,
      () => 'the turn to end',
    );
    const [seen, meant] = [rows.map(labelOf), world.log.rows().map(labelOf)];
    const at = meant.findIndex((label, index) => label !== seen[index]);
    if (at !== -1 || seen.length !== meant.length)
      problems.push(
        `the log differs from the chart at row ${at === -1 ? meant.length + 1 : at + 1}:`,
        `the chart: ${meant.join(', ')}`,
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
      ...rows.map((row) => `row ${row.seq}: ${labelOf(row)} ${row.content ?? ''}`),
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

/** One for each request; a turn that is stopped while it is answered gets the beginning of an answer. */
function repliesOf({ moves, arguments: given, says: words }: OwnFlow): Reply[] {
  const hops = given.values();
  return moves.flatMap((move): Reply[] => {
    if (move.do === 'answer') return [says(words)];
    if (move.do === 'begin') return [streams(text('Once '), { play: 'stall' })];
    if (move.do !== 'ask') return [];
    const args = hops.next().value ?? [];
    return [asks(move.tools.map((name, index) => ({ name, arguments: args[index] ?? {} })))];
  });
}

/** Of each call that is made: its answer is kept back unless the flow has it come. */
function keptBack({ moves }: OwnFlow, terms: Terms): boolean[] {
  let world = begin(terms);
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
