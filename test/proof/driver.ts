/**
 * Plays a path against the real server, move by move, and kills the server at the kill point. After each move it waits
 * until the server shows from outside what the chart says. It fails when the server shows anything else.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { LogRow } from '../../machines/log.ts';
import { waitForAgreement } from './agreement.ts';
import { OTHER_CONVERSATION } from './held-store-messages.ts';
import type { KillPoint } from './kill-points.ts';
import { applyMove } from './apply-move.ts';
import { startServerRuns } from './server-runs.ts';
import { OTHERS } from './controlled-model.ts';
import type { Environment } from './environment.ts';
import { describeMove, type Move } from './moves.ts';
import { decisionOn, requestIdOf, stateOf, type World } from './world.ts';

/** What is known about a server that was killed. */
export interface Killed {
  /** Rows on disk, in order. */
  landed: readonly LogRow[];
  /** The log was removed permanently. */
  removed: boolean;
  /** Number of model requests, and number of effects of each call. */
  requests: number;
  effects: ReadonlyMap<string, number>;
  /** Log output of all runs of the server. */
  output: string;
}

/** Delay after which a provider retries within the next move, or after other moves. */
const RETRY_SOON_MS = 20;
const RETRY_LATER_MS = 1500;
const POLL_INTERVAL_MS = 10;

const FIRST_MESSAGE = 1;

/** Starts a server, plays the moves of the kill point and kills the server. */
export async function playTo({ moves, instant }: KillPoint, environment: Environment): Promise<Killed> {
  const driver = await createDriver(environment);
  try {
    for (const [index, move] of moves.entries()) {
      const stops = index === moves.length - 1 && instant === 'landed';
      await driver.make(move, moves[index + 1], stops);
    }
  } finally {
    await driver.kill();
  }
  return driver.known();
}

async function createDriver(environment: Environment) {
  const { notifier, model, tools, sender, watcher } = environment;
  const runs = await startServerRuns(environment);
  let world = environment.start;
  await sender.open(runs.server().url);

  function answerQuestion(
    at: number,
    decision: 'approve' | 'deny',
    more: { remember?: boolean },
    requestId: string,
  ): void {
    const question = runs.questions()[at];
    if (question)
      sender.send(
        'respond',
        { interrupt_id: question.interruptId, decision: decisionOn(question, decision), ...more },
        requestId,
      );
  }

  async function perform(move: Move, next: Move | undefined, stops: boolean): Promise<void> {
    const requestId = requestIdOf(world.path.length);
    const { server } = runs;
    const isRemoval = world.held[0]?.intent.type === 'remove';
    switch (move.do) {
      case 'chat':
        if (move.words === 'other') sender.send('chat', { text: `${move.id} or not`, mode: move.mode }, move.id);
        else sender.chat(move.id, move.mode, move.words === 'rewound' ? FIRST_MESSAGE : null);
        return;
      case 'stop':
        return sender.send('cancel', move.target === null ? {} : { target: move.target }, requestId);
      case 'lookUp':
        await server().prepare({ command: 'holdLookUp' });
        answerQuestion(0, 'approve', {}, requestId);
        return notifier.waitUntil(
          () => server().announced.lookUps > 0,
          () => 'the look-up',
        );
      case 'respond':
        if (move.to === 'late') server().send({ command: 'releaseLookUp' });
        else answerQuestion(move.to === 'next' ? 1 : 0, move.decision, { remember: move.always === true }, requestId);
        return;
      case 'delete':
        return sender.send('delete', {}, requestId);
      case 'takePermit':
        sender.send('chat', { text: `${OTHERS} first`, conversation_id: OTHER_CONVERSATION }, OTHERS);
        return notifier.waitUntil(
          () => model.others() > 0,
          () => 'the turn of the other conversation',
        );
      case 'freePermit':
        return model.answerOthers();
      case 'commit':
        return isRemoval ? runs.remove(stops) : runs.commit(move.together ? 2 : 1, { thenFails: false, stops });
      case 'refuse':
        if (move.after) return runs.commit(1, { thenFails: true, stops });
        return isRemoval ? runs.keepLog() : runs.fail();
      case 'read':
        return runs.read(move.works);
      case 'begin':
        model.begin();
        return notifier.waitUntil(
          () => [...watcher.drafts.values()].some((text) => text !== ''),
          () => 'the first words',
        );
      case 'answer':
        return model.answer();
      case 'empty':
        return model.empty();
      case 'ask':
        return model.ask(move.tools, move.expensive);
      case 'fault':
        if (move.how === 'cut') model.cut();
        else if (move.how === 'refused') model.refuse(401);
        else if (move.how === 'long') model.refuse(400, { code: 'context_length_exceeded' });
        else model.refuse(503, { retryAfterMs: next?.do === 'wait' ? RETRY_SOON_MS : RETRY_LATER_MS });
        return;
      case 'call':
        if (move.ends !== 'late' && move.ends !== 'unanswered' && move.ends !== 'overdue')
          tools.end(move.tool, move.ends);
        return;
      case 'progress':
        return tools.reportProgress(move.tool);
      case 'passivate':
        return pollPage(server().url, '/metrics', (page) => /^parley_conversations_live 0$/m.test(page));
      case 'drain':
        server().signal('SIGTERM');
        return pollPage(server().url, '/ready', (page) => /draining/.test(page));
      case 'crash':
        sender.close();
        watcher.close();
        await runs.restart();
        await sender.open(server().url);
        if (runs.landed().length > 0 && !runs.removed()) sender.follow();
        return;
      // Timers of the server do these.
      case 'wait':
      case 'expire':
      case 'halt':
        return;
    }
  }

  return {
    async make(move: Move, next: Move | undefined, stops: boolean): Promise<void> {
      const after = applyMove(world, move);
      const framesBefore = sender.frames.length;
      const known = runs.server().announced.appends;
      const fresh = Array.from(
        { length: after.outside.appends - world.outside.appends },
        (_, index) => known + index + 1,
      );
      const broken = move.broken ? fresh.pop() : undefined;
      try {
        if (broken !== undefined) await runs.server().prepare({ command: 'break', number: broken });
        await perform(move, next, stops);
        if (stops) return;
        await waitForAgreement(environment, runs, after, { framesBefore, mayReadAgain: move.do === 'read' });
      } catch (cause) {
        throw new Error(
          `"${describeMove(move)}" in ${stateOf(world)}: ${cause instanceof Error ? cause.message : String(cause)}`,
          { cause },
        );
      }
      runs.wait(fresh);
      const [seen, expected] = [runs.waiting(), kindsOf(after)].map((rows) => JSON.stringify(rows));
      if (seen !== expected)
        throw new Error(
          `"${describeMove(move)}" in ${stateOf(world)}: the server writes ${seen}, and the chart ${expected}`,
        );
      world = after;
    },
    async kill(): Promise<void> {
      await runs.server().kill();
      sender.close();
      watcher.close();
    },
    known: (): Killed => ({
      landed: runs.landed(),
      removed: runs.removed(),
      requests: model.places.length,
      effects: new Map([...tools.effects].map(([key, { times }]) => [key, times])),
      output: runs.output(),
    }),
  };
}

function kindsOf({ held }: World): string[][] {
  return held.flatMap(({ intent }) =>
    intent.type === 'append' ? [intent.rows.map(({ type, extra }) => String(extra['kind'] ?? type))] : [],
  );
}

/** Polls one of the server's pages until it matches or the server is gone. */
async function pollPage(url: string, path: string, says: (page: string) => boolean): Promise<void> {
  const page = new URL(path, url.replace('ws:', 'http:'));
  for (;;) {
    const text = await fetch(page).then(
      (response) => response.text(),
      () => null,
    );
    if (text === null || says(text)) return;
    await pause(POLL_INTERVAL_MS);
  }
}
