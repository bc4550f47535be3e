/**
 * Judges every run by its invariants. Evidence is the log at the end, the state of each client, and the violations
 * reported on the way. Each invariant is one function that returns its violations as sentences.
 */
import { isDeepStrictEqual } from 'node:util';
import { excerpt, type Rule } from './violation.ts';
import { lastSeq, textOf, type ExpectedState, type Row } from './expected-state.ts';
import { isEnd, type Logs } from './drain.ts';
import type { Environment } from './environment.ts';
import type { Simulation } from './simulation.ts';

interface Evidence {
  simulation: Simulation;
  logs: Logs;
  environment: Environment;
}

/** Returns all violations; empty if there are none. */
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

const violations = ({ simulation }: Evidence, ...rules: Rule[]) =>
  simulation.violations.filter(({ rule }) => rules.includes(rule)).map(({ rule, what }) => `${rule}: ${what}`);

function eachExpectedState(
  { simulation }: Evidence,
  look: (where: string, conversation: string, expected: ExpectedState) => string[],
): string[] {
  return simulation.clients.flatMap((client) =>
    [...client.expectedStates].flatMap(([conversation, expected]) =>
      look(`${client.name} in ${conversation}`, conversation, expected),
    ),
  );
}

/** A follower that has caught up has the rows of the log and the same text of every message. */
function followersHoldTheLog(evidence: Evidence): string[] {
  const { simulation, logs } = evidence;
  return [
    ...violations(evidence, 'gap', 'repeat', 'text', 'reset'),
    ...simulation.clients.flatMap((client) =>
      [...(client.connection?.followers ?? [])].flatMap(([conversation, { subscription, expected }]) => {
        const where = `${client.name} in ${conversation}`;
        const log = logs.get(conversation) ?? null;
        if (!subscription) return [];
        if (!log) return [`${where} still follows a deleted conversation`];
        const missing =
          lastSeq(expected) === log.length ? [] : [`${where} received ${lastSeq(expected)} of ${log.length} rows`];
        const different = expected.rows
          .filter((row) => !isDeepStrictEqual(row, log[row.seq - 1]))
          .map((row) => `${where} has ${excerpt(row)}, and the log ${excerpt(log[row.seq - 1])}`);
        const texts = new Map(log.map((row) => [row.id, textOf(row)]));
        const untold = [...expected.texts]
          .filter(([id, held]) => !simulation.wasDeleted(conversation) && !isDeepStrictEqual(held, texts.get(id)))
          .map(([id, held]) => `${where} has ${excerpt(held)} of ${id}, and the log ${excerpt(texts.get(id))}`);
        const state =
          subscription.state === null || subscription.state === 'idle'
            ? []
            : [`${where} received ${subscription.state} as the last state`];
        return [...missing, ...different, ...untold, ...state];
      }),
    ),
  ];
}

/** The sender of a message has every answer, call, result and question of its turn when the end comes. */
function sendersHoldTheirTurns(evidence: Evidence): string[] {
  return eachExpectedState(evidence, (where, conversation, { turns }) =>
    [...turns.values()].flatMap(({ requestId, heldAtEnd, shown }) => {
      const rows = (evidence.logs.get(conversation) ?? []).filter((row) => row.request_id === requestId);
      if (!heldAtEnd || evidence.simulation.wasDeleted(conversation)) return [];
      const said = rows
        .filter((row) => row.type === 'assistant_message')
        .map((row) => [row.id, textOf(row)] as const)
        .filter(([, { text, reasoning }]) => text + reasoning !== '');
      const held = [...heldAtEnd].filter(([, { text, reasoning }]) => text + reasoning !== '');
      const due = rows
        .filter((row) => row.type === 'tool_call' || isShownResult(row) || row.extra?.['kind'] === 'approval_request')
        .map(({ seq }) => seq);
      return [
        ...(isDeepStrictEqual(new Map(held), new Map(said))
          ? []
          : [`${where} has ${excerpt(held)} of ${requestId}, and the log ${excerpt(said)}`]),
        ...(isDeepStrictEqual(
          [...shown].sort((a, b) => a - b),
          due,
        )
          ? []
          : [`${where} received the rows ${excerpt([...shown])} of ${requestId}, and the log has ${excerpt(due)}`]),
      ];
    }),
  );
}

const isShownResult = (row: Row) => row.type === 'tool_result';

function seqHasNoGaps(evidence: Evidence): string[] {
  const broken = [...evidence.logs]
    .filter(([, log]) => log?.some((row, index) => row.seq !== index + 1))
    .map(([conversation, log]) => `${conversation} has the rows ${excerpt(log?.map(({ seq }) => seq))}`);
  return [...broken, ...violations(evidence, 'order')];
}

/**
 * On a socket that stays open every request has its answer. On no socket does a request have two, or a frame come
 * unrequested.
 */
function eachRequestIsAnsweredOnce(evidence: Evidence): string[] {
  const unanswered = evidence.simulation.clients.flatMap(({ name, connection }) => {
    if (!connection?.isOpen) return [];
    const questions = [...connection.questions.values()]
      .filter(({ answers }) => answers.length === 0)
      .map(({ action, conversation }) => `${name} got no answer to ${action} in ${conversation}`);
    const chats = [...connection.followers].flatMap(([conversation, { turns }]) =>
      [...turns.values()].flatMap(({ turn, asks, accepted, refused, ended, isFollowing, isUnambiguous }) => {
        const counts = `${name} sent ${turn.requestId} in ${conversation} ${asks} times, and received ${accepted} acceptances, ${refused} rejections and ${ended} ends`;
        const isRight = isUnambiguous ? accepted + refused === asks && ended <= accepted : accepted + refused > 0;
        return isRight && !isFollowing && (refused >= asks || ended > 0) ? [] : [counts];
      }),
    );
    return [...questions, ...chats];
  });
  return [...unanswered, ...violations(evidence, 'answer', 'stray')];
}

function nothingLiveBeforeCaughtUp(evidence: Evidence): string[] {
  return violations(evidence, 'early');
}

/** A turn ends as stopped only if a client stopped it. A model request is aborted only if a client did. */
function closingCancelsNothing({ simulation, logs, environment }: Evidence): string[] {
  const turns = [...logs].flatMap(([conversation, log]) =>
    (log ?? []).filter(isEnd).flatMap((row): string[] => {
      const reason = row.extra?.['status'] === 'complete' ? Object(row.extra['metadata']).finish_reason : null;
      const isAsked =
        reason === 'cancelled'
          ? simulation.stops.some(
              (stop) => stop.conversation === conversation && (stop.target ?? row.request_id) === row.request_id,
            )
          : reason !== 'interrupted' ||
            simulation.interrupts.some(
              (chat) => chat.conversation === conversation && chat.requestId !== row.request_id,
            );
      return isAsked ? [] : [`${row.request_id} in ${conversation} is ${reason}, and no client requested that`];
    }),
  );
  const requests = simulation.conversations
    .filter(
      (name) =>
        simulation.restarts === 0 &&
        !simulation.wasDeleted(name) &&
        ![...simulation.stops, ...simulation.interrupts].some(({ conversation }) => conversation === name),
    )
    .filter((name) => environment.model.aborted(name) > 0)
    .map((name) => `a model request was aborted in ${name}, and no client requested that`);
  return [...turns, ...requests];
}

/** A message that was acknowledged is in the log. */
function promisesAreKept({ simulation, logs }: Evidence): string[] {
  return simulation.promised
    .filter(({ conversation }) => !simulation.wasDeleted(conversation))
    .flatMap(({ conversation, requestId, seq }) => {
      const row = logs.get(conversation)?.[seq - 1];
      return row?.type === 'user_message' && row.request_id === requestId
        ? []
        : [`${requestId} in ${conversation} was acknowledged with seq ${seq}, and the log has ${excerpt(row)}`];
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

function historiesAreValid({ environment }: Evidence): string[] {
  return [...environment.model.violations];
}
