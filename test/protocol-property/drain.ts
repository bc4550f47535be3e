/**
 * Ends a run: all clients read and reconnect, the model may finish, all questions are denied, and everything that is
 * under way is waited for. The judge uses the log as it is then.
 */
import type { Client, Received } from '../support/client.ts';
import type { FollowedTurn } from './followed-turn.ts';
import { lastSeq, type Row } from './expected-state.ts';
import type { Connection } from './connection.ts';
import type { Environment } from './environment.ts';
import type { Simulation } from './simulation.ts';

/** Null for a conversation that does not exist. */
export type Logs = ReadonlyMap<string, Row[] | null>;

/** Clients whose sockets were closed, because an answer was too large for the buffer, reconnect at most so often. */
const ROUNDS = 4;

export async function drain(environment: Environment, simulation: Simulation): Promise<Logs> {
  for (const { connection } of simulation.clients) if (connection?.isOpen) connection.resumeReading();
  for (const conversation of simulation.conversations) environment.model.free(conversation);
  const logs = new Map<string, Row[] | null>();
  for (
    let round = 0;
    round === 0 || (round < ROUNDS && simulation.clients.some(({ connection }) => connection?.isOpen === false));
    round += 1
  ) {
    for (const client of simulation.clients)
      if (client.connection?.isOpen === false) client.resume(await client.connect());
    // A message that is under way may be the first of its conversation.
    for (const { connection } of simulation.clients) await connection?.until(() => isAnswered(connection));
    for (const conversation of simulation.conversations)
      logs.set(conversation, await settle(environment, conversation));
    for (const { connection } of simulation.clients) await connection?.until(() => isUpToDate(connection, logs));
  }
  await environment.flush();
  return logs;
}

/** Waits until every turn has ended. Denies every approval request. */
async function settle(environment: Environment, conversation: string): Promise<Row[] | null> {
  const client = await environment.connect();
  try {
    return await readToEnd(client, conversation);
  } finally {
    client.socket.terminate();
  }
}

async function readToEnd(client: Client, conversation: string): Promise<Row[] | null> {
  const rows: Row[] = [];
  const said = new Set<string>();
  let read = 0;
  const deny = (row: Row) => {
    const interruptId = String(row.extra?.['interrupt_id']);
    if (said.has(interruptId)) return;
    said.add(interruptId);
    client.send('respond', { conversation_id: conversation, interrupt_id: interruptId, decision: 'deny' });
  };
  const look = (frame: Received & { event?: Row }) => {
    if (frame.conversation_id !== conversation) return;
    if (frame.event) rows.push(frame.event);
    if (frame.event?.extra?.['kind'] === 'approval_request') deny(frame.event);
  };
  const id = client.send('subscribe', { conversation_id: conversation });
  const { result } = await client.waitFor(
    (frame) => frame.request_id === id && frame.status !== 'event',
    'the subscription of the drain',
  );
  if (!result) return null;
  await client.waitFor(() => {
    for (; read < client.frames.length; read += 1) {
      const frame = client.frames[read];
      if (frame) look(frame);
    }
    return rows.length >= Number(result['head_seq']) && isAtRest(rows);
  }, `the end of all turns in ${conversation}`);
  return rows;
}

export const isEnd = (row: Row) => row.extra?.['kind'] === 'turn_end';

function isAtRest(rows: readonly Row[]): boolean {
  const ended = new Set(rows.filter(isEnd).map((row) => row.request_id));
  return rows.every((row) => row.type !== 'user_message' || ended.has(row.request_id));
}

function isAnswered(connection: Connection): boolean {
  return (
    [...connection.questions.values()].every(({ answers }) => answers.length > 0) &&
    [...connection.followers.values()].every(({ turns }) => [...turns.values()].every(hasAllAnswers))
  );
}

/** Indistinguishable requests under one id may share an answer, but each rejection is separate. */
function hasAllAnswers({ accepted, refused, asks, isUnambiguous }: FollowedTurn): boolean {
  return accepted + refused >= asks || (!isUnambiguous && accepted > 0);
}

/**
 * Whether all requests are answered, all followed turns have ended, and all subscriptions are at the end of their log.
 */
function isUpToDate(connection: Connection, logs: Logs): boolean {
  return (
    isAnswered(connection) &&
    [...connection.followers].every(([conversation, { turns, subscription, expected }]) => {
      const isAtEnd = subscription === null || (logs.get(conversation) ?? []).length === lastSeq(expected);
      return isAtEnd && [...turns.values()].every((own) => !own.isFollowing);
    })
  );
}
