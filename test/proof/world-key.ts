/**
 * Computes a key for xstate/graph: worlds with the same possible future have the same key. Ids, texts, tokens and
 * finished turns are left out.
 */
import type { ClientEvent } from '../../machines/conversation/client-events.ts';
import type { CommitTag } from '../../machines/conversation/events.ts';
import type { Usage } from '../../machines/log.ts';
import { pathOf } from './chart-step.ts';
import { EXPENSIVE_USAGE, openTurns, stateOf, type World } from './world.ts';

export function worldKey(world: World): string {
  const { conversation, calls, held, activation, process, crashes, permitTaken, deleted, begun, lookedUp, log } = world;
  const known = ['r1', 'r2', 'r3'].map((id) => log.rowsOf(id).length > 0);
  const open = openTurns(world).map(({ requestId, waits }) => [
    requestId,
    waits,
    log
      .rowsOf(requestId)
      .map(
        ({ type, extra, usage }) =>
          `${type} ${isExpensive({ usage }) ? 'expensive' : ''} ${extra['kind'] ?? ''} ${extra['name'] ?? ''} ${extra['attempt'] ?? ''}`,
      ),
  ]);
  return JSON.stringify([
    stateOf(world),
    process,
    crashes,
    permitTaken,
    deleted,
    begun,
    lookedUp?.question.interruptId,
    known,
    open,
    held.map((each) => [
      each.activation === activation,
      each.intent.type === 'append' ? tagOf(each.intent.tag) : each.intent.type,
    ]),
    [...calls.values()].map((call) => [call.context.tool.name, pathOf(call.value)]),
    conversation && contextKey(conversation.context),
  ]);
}

function contextKey({
  deferred,
  arriving,
  queue,
  deleters,
  remembered,
  turn,
  interrupted,
  stopped,
}: NonNullable<World['conversation']>['context']): unknown {
  return [
    deferred.map(eventKey),
    arriving.map(eventKey),
    queue.map((next) => (next.kind === 'turn' ? next.turn.requestId : 'stop')),
    turn && [
      turn.requestId,
      turn.hops,
      turn.provider,
      turn.attempt,
      turn.emptyAnswers,
      turn.shorter?.hop,
      turn.used.some(isExpensive),
      turn.asking,
      turn.fault !== null,
      turn.answer && [turn.answer.calls.map(({ name }) => name), turn.answer.finishReason, turn.answer.text !== ''],
      turn.calls.map(({ tool, attempt, stage, approval, question, resume }) => [
        tool.name,
        attempt,
        stage,
        approval !== null,
        question?.answer,
        resume?.questions,
        Boolean(resume?.task),
      ]),
      turn.stop && [turn.stop.reason, turn.stop.requesters.length, turn.stop.committed],
    ],
    interrupted && [
      interrupted.requestId,
      interrupted.begun,
      interrupted.hops,
      interrupted.emptyAnswers,
      interrupted.stop,
      interrupted.recoveries,
      interrupted.open.map(({ dispatch, approval, question }) => [
        dispatch?.tool.idempotent,
        dispatch?.attempt,
        Boolean(dispatch?.resume?.task),
        approval !== null,
        question !== null,
      ]),
    ],
    stopped.map(({ requestId }) => requestId),
    deleters.length,
    remembered,
  ];
}

function eventKey(event: ClientEvent): unknown {
  if (event.type === 'client.chat') return [event.type, event.requestId, event.digest, event.mode, event.rewindTo];
  if (event.type === 'client.cancel') return [event.type, event.target, event.by === null];
  return [event.type, event.type === 'client.respond' ? event.decision : null];
}

function tagOf(tag: CommitTag): unknown {
  if (tag.of === 'message') return [tag.of, eventKey(tag.chat)];
  return 'requestId' in tag ? [tag.of, tag.requestId] : [tag.of];
}

function isExpensive({ usage }: { usage: Usage | null }): boolean {
  return (usage?.total_tokens ?? 0) >= EXPENSIVE_USAGE.total_tokens;
}
