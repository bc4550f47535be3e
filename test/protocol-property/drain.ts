/**
 * The end of a run: everybody reads and comes back, the model may finish, nobody keeps a question open, and all that is
 * under way is waited for. What the log says then is what the judge goes by.
 */
import type { Client, Received } from '../support/client.ts';
import type { FollowedTurn } from './followed-turn.ts';
import { lastSeq, type Row } from './expected-state.ts';
import type { Line } from './connection.ts';
import type { Stage } from './environment.ts';
import type { World } from './simulation.ts';

/** Null for a conversation that does not exist. */
export type Logs = ReadonlyMap<string, Row[] | null>;

/** Clients that were hung up on, because of answers too large for a socket, come back so often at most. */
const ROUNDS = 4;

export async function bringToRest(stage: Stage, world: World): Promise<Logs> {
  for (const { line } of world.tabs) if (line?.isOpen) line.readOn();
  for (const conversation of world.conversations) stage.model.free(conversation);
  const logs = new Map<string, Row[] | null>();
  for (
    let round = 0;
    round === 0 || (round < ROUNDS && world.tabs.some(({ line }) => line?.isOpen === false));
    round += 1
  ) {
    for (const tab of world.tabs) if (tab.line?.isOpen === false) tab.resume(await tab.connect());
    // A message that is on its way may be the first of its conversation.
    for (const { line } of world.tabs) await line?.until(() => isAnswered(line));
    for (const conversation of world.conversations) logs.set(conversation, await settle(stage, conversation));
    for (const { line } of world.tabs) await line?.until(() => isUpToDate(line, logs));
  }
  await stage.breathe();
  return logs;
}

/** Waits until every turn has ended; who asks for a person gets a no. */
async function settle(stage: Stage, conversation: string): Promise<Row[] | null> {
  const client = await stage.connect();
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
    'the caretaker to be let in',
  );
  if (!result) return null;
  await client.waitFor(() => {
    for (; read < client.frames.length; read += 1) {
      const frame = client.frames[read];
      if (frame) look(frame);
    }
    return rows.length >= Number(result['head_seq']) && isAtRest(rows);
  }, `the rest of ${conversation}`);
  return rows;
}

export const isEnd = (row: Row) => row.extra?.['kind'] === 'turn_end';

function isAtRest(rows: readonly Row[]): boolean {
  const ended = new Set(rows.filter(isEnd).map((row) => row.request_id));
  return rows.every((row) => row.type !== 'user_message' || ended.has(row.request_id));
}

function isAnswered(line: Line): boolean {
  return (
    [...line.questions.values()].every(({ answers }) => answers.length > 0) &&
    [...line.followers.values()].every(({ turns }) => [...turns.values()].every(isTold))
  );
}

/** Requests under one id that cannot be told apart may share an answer, but for a no: each has its own. */
function isTold({ accepted, refused, asks, isPlain }: FollowedTurn): boolean {
  return accepted + refused >= asks || (!isPlain && accepted > 0);
}

/** Everything is answered, every turn that is followed has ended, and every subscription is at the end of its log. */
function isUpToDate(line: Line, logs: Logs): boolean {
  return (
    isAnswered(line) &&
    [...line.followers].every(([conversation, { turns, subscription, holding }]) => {
      const isAtEnd = subscription === null || (logs.get(conversation) ?? []).length === lastSeq(holding);
      return isAtEnd && [...turns.values()].every((own) => !own.isFollowing);
    })
  );
}
