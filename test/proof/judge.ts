/**
 * Judges from outside whether a server that was killed and restarted kept its promises. Evidence is the database file,
 * what the clients received, what the model was sent and what the tools did. Each promise is one function that returns
 * its violations as sentences.
 */
import { isDeepStrictEqual } from 'node:util';
import type { LogRow } from '../../machines/log.ts';
import { check } from '../../src/cli/check.ts';
import { eventOf } from '../../src/outbox/render.ts';
import { HELD_CONVERSATION } from './held-store-messages.ts';
import type { Killed } from './driver.ts';
import { readLog } from './log-on-disk.ts';
import type { Environment } from './environment.ts';

interface Evidence {
  environment: Environment;
  killed: Killed;
  /** Rows of the log at the end. */
  rows: readonly LogRow[];
}

/** Returns all violations; empty if there are none. */
export function judge(environment: Environment, killed: Killed): string[] {
  const { rows } = readLog(environment.home.database);
  const evidence = { environment, killed, rows };
  if (killed.removed) return [soundLog, gone, validRequests].flatMap((promise) => promise(evidence));
  return [
    deletionsHold,
    soundLog,
    durable,
    acknowledged,
    validRequests,
    atMostOnce,
    stopsHold,
    answersHold,
    questionsHold,
    memoryHolds,
    ended,
    textsHeld,
  ].flatMap((promise) => promise(evidence));
}

const kindOf = (row: LogRow) => String(row.extra['kind'] ?? row.type);
const endOf = (rows: readonly LogRow[], requestId: string) =>
  rows.find((row) => kindOf(row) === 'turn_end' && row.request_id === requestId);

/** Checks that `seq` has no gaps, each call one result and each turn one end. */
function soundLog({ environment }: Evidence): string[] {
  const { exitCode, lines } = check(environment.home.database);
  return exitCode === 0 ? [] : [...lines];
}

/** A conversation whose removal is on disk stays removed, and no work is done for it. */
function gone({ environment: { model, tools }, killed, rows }: Evidence): string[] {
  return [
    ...(rows.length > 0 ? [`the conversation was removed and has ${rows.length} rows`] : []),
    ...(model.places.length > killed.requests ? ['the conversation was removed, and the model was asked for it'] : []),
    ...[...tools.effects]
      .filter(([key, { times }]) => times > (killed.effects.get(key) ?? 0))
      .map(([key]) => `the conversation was removed, and call ${key} was made`),
  ];
}

/** No client gets `deleted` before the conversation is deleted. */
function deletionsHold({ environment: { sender } }: Evidence): string[] {
  return sender.frames.some(({ status }) => status === 'deleted')
    ? ['a client received `deleted`, and the conversation exists']
    : [];
}

/** Rows that were on disk are there, unchanged. */
function durable({ killed, rows }: Evidence): string[] {
  return killed.landed
    .filter((row) => !isDeepStrictEqual(rows[row.seq - 1], row))
    .map((row) => `row ${row.seq} (${kindOf(row)}) was on disk and is ${JSON.stringify(rows[row.seq - 1] ?? 'gone')}`);
}

/** Everything that a client received with a `seq`, or as the answer to a Stop, is in the log. */
function acknowledged({ environment: { sender }, rows }: Evidence): string[] {
  return sender.frames
    .filter((frame) => frame.conversation_id === HELD_CONVERSATION)
    .flatMap((frame): string[] => {
      const missing = (what: string): string[] => [
        `a client received ${what} for ${frame.request_id}, and the log has no such row`,
      ];
      const at = (seq: number | undefined) =>
        rows.find((row) => row.seq === seq && row.request_id === frame.request_id);
      if (frame.status === 'processing' && frame.seq !== undefined)
        return at(frame.seq)?.type === 'user_message' ? [] : missing(`processing with seq ${frame.seq}`);
      if ((frame.status === 'complete' || frame.status === 'error') && frame.seq !== undefined) {
        const row = at(frame.seq);
        const sent = frame.status === 'complete' ? withoutMark(frame.metadata) : frame.error;
        const kept = frame.status === 'complete' ? row?.extra['metadata'] : row?.extra['error'];
        return row && isDeepStrictEqual(sent, kept) ? [] : missing(`the end ${JSON.stringify(sent)}`);
      }
      if (frame.chunk && 'seq' in frame.chunk)
        return at(Number(frame.chunk.seq)) ? [] : missing(`${frame.chunk.type} with seq ${String(frame.chunk.seq)}`);
      const cancelled: unknown = frame.status === 'result' ? frame.result?.['cancelled'] : undefined;
      return (Array.isArray(cancelled) ? cancelled : [])
        .map(String)
        .filter((id) => !rows.some((row) => kindOf(row) === 'cancel' && row.request_id === id))
        .map((id) => `the Stop of ${id} was confirmed and is not in the log`);
    });
}

function withoutMark({ replayed: _, ...metadata }: Record<string, unknown> = {}): Record<string, unknown> {
  return metadata;
}

function validRequests({ environment: { model } }: Evidence): string[] {
  return model.violations.map((problem) => `the model got an invalid request: ${problem}`);
}

/** No call takes effect before its dispatch is on disk, nor twice unless it is idempotent. */
function atMostOnce({ environment: { tools }, rows }: Evidence): string[] {
  return [...tools.effects].flatMap(([key, { times, idempotent }]) => {
    const dispatches = rows.filter((row) => row.type === 'tool_call' && row.content?.includes(`"${key}"`)).length;
    return [
      ...(times > (idempotent ? 2 : 1) ? [`call ${key} took effect ${times} times`] : []),
      ...(times > dispatches ? [`call ${key} took effect ${times} times and was dispatched ${dispatches} times`] : []),
    ];
  });
}

/** A turn whose Stop is on disk does no more work and ends as stopped. */
function stopsHold({ environment: { model, tools }, killed, rows }: Evidence): string[] {
  return killed.landed
    .filter((row) => kindOf(row) === 'cancel')
    .flatMap(({ request_id: id, extra }) => {
      const metadata: unknown = endOf(rows, id ?? '')?.extra['metadata'];
      const reason =
        typeof metadata === 'object' && metadata !== null && 'finish_reason' in metadata
          ? metadata.finish_reason
          : 'no end';
      const asked = model.places.slice(killed.requests).some(({ turn }) => turn === id);
      const acted = [...tools.effects]
        .filter(([key, { times }]) => key.startsWith(`${id}.`) && times > (killed.effects.get(key) ?? 0))
        .map(([key]) => key);
      return [
        ...(reason === extra['reason']
          ? []
          : [`${id} was stopped (${String(extra['reason'])}) and ended with ${String(reason)}`]),
        ...(asked ? [`${id} was stopped, and the model was asked for it again`] : []),
        ...acted.map((key) => `${id} was stopped, and call ${key} was made`),
      ];
    });
}

/** A call that a person denied takes no effect. */
function answersHold({ environment: { tools }, rows }: Evidence): string[] {
  const denied = rows
    .filter((row) => kindOf(row) === 'response' && row.extra['decision'] !== 'approve')
    .map((row) => row.extra['interrupt_id']);
  return rows
    .filter((row) => kindOf(row) === 'approval_request' && denied.includes(row.extra['interrupt_id']))
    .flatMap(({ extra }) => {
      const key = String(Object(extra['arguments']).key);
      return tools.effects.has(key) ? [`call ${key} was not approved, and took effect`] : [];
    });
}

/**
 * A call whose server asked a question takes no effect without an answer. Declining, a timeout and the end of the turn
 * are no answers.
 */
function questionsHold({ environment: { tools }, rows }: Evidence): string[] {
  const answered = rows
    .filter((row) => kindOf(row) === 'response' && row.extra['decision'] === 'answer')
    .map((row) => row.extra['interrupt_id']);
  return rows
    .filter((row) => kindOf(row) === 'elicitation_request' && !answered.includes(row.extra['interrupt_id']))
    .flatMap(({ tool_call_id: callId }) => {
      const dispatch = rows.find((row) => row.type === 'tool_call' && row.tool_call_id === callId);
      const key = String(Object(JSON.parse(dispatch?.content ?? '{}')).key);
      return tools.effects.has(key)
        ? [`no person answered the question of call ${key}'s server, and the call took effect`]
        : [];
    });
}

/** A tool about which a person has decided permanently raises no further approval request. */
function memoryHolds({ rows }: Evidence): string[] {
  const decided = rows.filter((row) => kindOf(row) === 'remember');
  return decided.flatMap(({ seq, extra: { server, tool_name: tool } }) => {
    const asked = rows.find(
      (row) =>
        row.seq > seq &&
        kindOf(row) === 'approval_request' &&
        row.extra['server'] === server &&
        row.extra['tool_name'] === tool,
    );
    return asked ? [`row ${seq} decides about ${String(tool)} permanently, and row ${asked.seq} asks again`] : [];
  });
}

/** Every message has the end of its turn, in the log and at its sender. */
function ended({ environment: { sender }, rows }: Evidence): string[] {
  return [
    ...rows
      .filter((row) => row.type === 'user_message' && !endOf(rows, row.request_id ?? ''))
      .map((row) => `${row.request_id} has no end`),
    ...[...sender.turns.values()]
      .filter(({ end }) => end === null)
      .map(({ requestId }) => `the sender of ${requestId} did not receive its end`),
  ];
}

/** Both clients have exactly the texts of the log. */
function textsHeld({ environment: { sender, watcher }, rows }: Evidence): string[] {
  const problems = [...sender.violations, ...watcher.violations];
  for (const turn of sender.turns.values()) {
    const said = rows.filter(
      (row) => row.type === 'assistant_message' && row.request_id === turn.requestId && row.content,
    );
    const held = [...turn.texts].filter(([, text]) => text !== '');
    if (!isDeepStrictEqual(new Map(held), new Map(said.map((row) => [row.id, row.content])))) {
      problems.push(
        `the sender of ${turn.requestId} has ${JSON.stringify(held.map(([, text]) => text))}, and the log ${JSON.stringify(said.map((row) => row.content))}`,
      );
    }
  }
  const events = rows.map(eventOf);
  const wrong = events.findIndex(
    (event, at) => !isDeepStrictEqual(JSON.parse(JSON.stringify(event)), watcher.rows[at]),
  );
  if (wrong !== -1 || watcher.rows.length !== events.length)
    problems.push(
      `the follower has ${watcher.rows.length} rows of ${events.length}, of which row ${wrong + 1} differs: ${JSON.stringify(watcher.rows[wrong])}`,
    );
  for (const [id, text] of watcher.drafts)
    problems.push(`the follower still shows ${JSON.stringify(text)} of message ${id}, which has no row`);
  return problems;
}
