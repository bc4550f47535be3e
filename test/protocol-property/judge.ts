/**
 * What must hold of every run, whatever happened in it: by the log in the end, by what each client holds, and by what
 * was complained of on the way. Each invariant is one function that returns what is broken, in words.
 */
import { isDeepStrictEqual } from 'node:util';
import { tell, type Rule } from './violation.ts';
import { lastSeq, writtenIn, type Holding, type Row } from './expected-state.ts';
import { isEnd, type Logs } from './drain.ts';
import type { Stage } from './environment.ts';
import type { World } from './simulation.ts';

interface Evidence {
  world: World;
  logs: Logs;
  stage: Stage;
}

/** Empty when all is well. */
export function judge(evidence: Evidence): string[] {
  const invariants = {
    followersHoldTheLog,
    sendersHoldTheirTurns,
    seqHasNoGaps,
    eachRequestIsAnsweredOnce,
    nothingLiveBeforeCaughtUp,
    closingCancelsNothing,
    promisesAreKept,
    everyTurnEndsOnce,
    historiesAreValid,
  };
  return Object.entries(invariants).flatMap(([name, invariant]) =>
    [...new Set(invariant(evidence))].slice(0, 4).map((what) => `${name}: ${what}`),
  );
}

const complaints = ({ world }: Evidence, ...rules: Rule[]) =>
  world.complaints.filter(({ rule }) => rules.includes(rule)).map(({ rule, what }) => `${rule}: ${what}`);

function eachHolding(
  { world }: Evidence,
  look: (where: string, conversation: string, holding: Holding) => string[],
): string[] {
  return world.tabs.flatMap((tab) =>
    [...tab.holdings].flatMap(([conversation, holding]) =>
      look(`${tab.name} in ${conversation}`, conversation, holding),
    ),
  );
}

/** A follower that has caught up holds what the log says: the same rows, and the same text of every message. */
function followersHoldTheLog(evidence: Evidence): string[] {
  const { world, logs } = evidence;
  return [
    ...complaints(evidence, 'gap', 'repeat', 'text', 'reset'),
    ...world.tabs.flatMap((tab) =>
      [...(tab.line?.followers ?? [])].flatMap(([conversation, { subscription, holding }]) => {
        const where = `${tab.name} in ${conversation}`;
        const log = logs.get(conversation) ?? null;
        if (!subscription) return [];
        if (!log) return [`${where} still follows what is gone`];
        const missing =
          lastSeq(holding) === log.length ? [] : [`${where} was shown ${lastSeq(holding)} of ${log.length} rows`];
        const different = holding.rows
          .filter((row) => !isDeepStrictEqual(row, log[row.seq - 1]))
          .map((row) => `${where} holds ${tell(row)}, and the log ${tell(log[row.seq - 1])}`);
        const texts = new Map(log.map((row) => [row.id, writtenIn(row)]));
        const untold = [...holding.texts]
          .filter(([id, held]) => !world.wasDeleted(conversation) && !isDeepStrictEqual(held, texts.get(id)))
          .map(([id, held]) => `${where} holds ${tell(held)} of ${id}, and the log ${tell(texts.get(id))}`);
        const state =
          subscription.state === null || subscription.state === 'idle'
            ? []
            : [`${where} was last told of the state ${subscription.state}`];
        return [...missing, ...different, ...untold, ...state];
      }),
    ),
  ];
}

/** Who sent a message holds every answer, call, result and question of its turn when it is told the end. */
function sendersHoldTheirTurns(evidence: Evidence): string[] {
  return eachHolding(evidence, (where, conversation, { turns }) =>
    [...turns.values()].flatMap(({ requestId, heldAtEnd, shown }) => {
      const rows = (evidence.logs.get(conversation) ?? []).filter((row) => row.request_id === requestId);
      if (!heldAtEnd || evidence.world.wasDeleted(conversation)) return [];
      const said = rows
        .filter((row) => row.type === 'assistant_message')
        .map((row) => [row.id, writtenIn(row)] as const)
        .filter(([, { text, reasoning }]) => text + reasoning !== '');
      const held = [...heldAtEnd].filter(([, { text, reasoning }]) => text + reasoning !== '');
      const due = rows
        .filter((row) => row.type === 'tool_call' || isShownResult(row) || row.extra?.['kind'] === 'approval_request')
        .map(({ seq }) => seq);
      return [
        ...(isDeepStrictEqual(new Map(held), new Map(said))
          ? []
          : [`${where} holds ${tell(held)} of ${requestId}, and the log ${tell(said)}`]),
        ...(isDeepStrictEqual(
          [...shown].sort((a, b) => a - b),
          due,
        )
          ? []
          : [`${where} was shown the rows ${tell([...shown])} of ${requestId}, and the log has ${tell(due)}`]),
      ];
    }),
  );
}

const isShownResult = (row: Row) => row.type === 'tool_result';

function seqHasNoGaps(evidence: Evidence): string[] {
  const broken = [...evidence.logs]
    .filter(([, log]) => log?.some((row, index) => row.seq !== index + 1))
    .map(([conversation, log]) => `${conversation} has the rows ${tell(log?.map(({ seq }) => seq))}`);
  return [...broken, ...complaints(evidence, 'order')];
}

/** On a socket that stays, every request has its answer; on none does it have two, nor does anything come unasked. */
function eachRequestIsAnsweredOnce(evidence: Evidence): string[] {
  const unanswered = evidence.world.tabs.flatMap(({ name, line }) => {
    if (!line?.isOpen) return [];
    const questions = [...line.questions.values()]
      .filter(({ answers }) => answers.length === 0)
      .map(({ action, conversation }) => `${name} was not answered to ${action} in ${conversation}`);
    const chats = [...line.followers].flatMap(([conversation, { turns }]) =>
      [...turns.values()].flatMap(({ turn, asks, accepted, refused, ended, isFollowing, isPlain }) => {
        const counts = `${name} asked for ${turn.requestId} in ${conversation} ${asks} times, and was told ${accepted} times that it is so, ${refused} times that it is not, and ${ended} ends`;
        const isRight = isPlain ? accepted + refused === asks && ended <= accepted : accepted + refused > 0;
        return isRight && !isFollowing && (refused >= asks || ended > 0) ? [] : [counts];
      }),
    );
    return [...questions, ...chats];
  });
  return [...unanswered, ...complaints(evidence, 'answer', 'stray')];
}

function nothingLiveBeforeCaughtUp(evidence: Evidence): string[] {
  return complaints(evidence, 'early');
}

/** A turn ends as stopped only if somebody asked for that, and the model is left alone unless somebody did. */
function closingCancelsNothing({ world, logs, stage }: Evidence): string[] {
  const turns = [...logs].flatMap(([conversation, log]) =>
    (log ?? []).filter(isEnd).flatMap((row): string[] => {
      const reason = row.extra?.['status'] === 'complete' ? Object(row.extra['metadata']).finish_reason : null;
      const isAsked =
        reason === 'cancelled'
          ? world.stops.some(
              (stop) => stop.conversation === conversation && (stop.target ?? row.request_id) === row.request_id,
            )
          : reason !== 'interrupted' ||
            world.interrupts.some((chat) => chat.conversation === conversation && chat.requestId !== row.request_id);
      return isAsked ? [] : [`${row.request_id} in ${conversation} is ${reason}, and nobody asked for that`];
    }),
  );
  const requests = world.conversations
    .filter(
      (name) =>
        world.restarts === 0 &&
        !world.wasDeleted(name) &&
        ![...world.stops, ...world.interrupts].some(({ conversation }) => conversation === name),
    )
    .filter((name) => stage.model.aborted(name) > 0)
    .map((name) => `the model was left in the middle of an answer in ${name}, and nobody asked for that`);
  return [...turns, ...requests];
}

/** A message that was said to be stored is stored. */
function promisesAreKept({ world, logs }: Evidence): string[] {
  return world.promised
    .filter(({ conversation }) => !world.wasDeleted(conversation))
    .flatMap(({ conversation, requestId, seq }) => {
      const row = logs.get(conversation)?.[seq - 1];
      return row?.type === 'user_message' && row.request_id === requestId
        ? []
        : [`${requestId} in ${conversation} was told seq ${seq}, and the log has ${tell(row)}`];
    });
}

function everyTurnEndsOnce({ logs }: Evidence): string[] {
  return [...logs].flatMap(([conversation, log]) =>
    (log ?? [])
      .filter((row) => row.type === 'user_message')
      .flatMap(({ request_id: requestId }) => {
        const ends = (log ?? []).filter((row) => isEnd(row) && row.request_id === requestId).length;
        return ends === 1 ? [] : [`${requestId} in ${conversation} has ${ends} ends`];
      }),
  );
}

function historiesAreValid({ stage }: Evidence): string[] {
  return [...stage.model.violations];
}
