/**
 * Runs the steps of a run, one after another, with simulated clients against the server. Remembers the requests, so
 * that the judge knows what may have happened.
 */
import type { Incoming } from '../../src/client/frames.ts';
import type { Rule } from './violation.ts';
import type { Connection } from './connection.ts';
import { writeMessage } from './recipe.ts';
import type { Environment } from './environment.ts';
import { CONVERSATIONS, CLIENTS, type Step } from './steps.ts';
import { createSimulatedClient, type SimulatedClient } from './simulated-client.ts';

export interface Violation {
  rule: Rule;
  what: string;
}

export interface Simulation {
  readonly clients: readonly SimulatedClient[];
  readonly conversations: readonly string[];
  readonly violations: readonly Violation[];
  /** Acknowledged messages with their seq. */
  readonly promised: readonly { conversation: string; requestId: string; seq: number }[];
  /** Stops that clients sent; target null stops the running turn. */
  readonly stops: readonly { conversation: string; target: string | null }[];
  /** Chats that may have interrupted another one. */
  readonly interrupts: readonly { conversation: string; requestId: string }[];
  readonly restarts: number;
  wasDeleted(conversation: string): boolean;
  take(step: Step): Promise<void>;
}

type StepOf<What extends Step['do']> = Extract<Step, { do: What }>;

export function createSimulation(environment: Environment, name: string): Simulation {
  const conversations = Array.from({ length: CONVERSATIONS }, (_, index) => `${name}-c${index}`);
  const violations: Violation[] = [];
  const promised: Simulation['promised'][number][] = [];
  const stops: Simulation['stops'][number][] = [];
  const interrupts: Simulation['interrupts'][number][] = [];
  const questions = new Map<string, Set<string>>(conversations.map((conversation) => [conversation, new Set()]));
  const payloads = new Map<string, Record<string, unknown>>();
  const deletions = new Map<string, { times: number; pending: boolean }>();
  const begun = new Map<string, number>();
  let restarts = 0;
  let isRestarting = false;

  const onFrame = (frame: Incoming) => {
    if (frame.status === 'processing' && frame.seq !== undefined)
      promised.push({ conversation: frame.conversation_id, requestId: frame.request_id, seq: frame.seq });
    if (frame.status === 'event' && frame.event.extra?.['kind'] === 'approval_request')
      questions.get(frame.conversation_id)?.add(String(frame.event.extra['interrupt_id']));
    if (frame.status === 'chunk' && frame.chunk.type === 'approval_request')
      questions.get(frame.conversation_id)?.add(frame.chunk.interrupt_id);
  };
  const isSameConversation = (client: string, conversation: string) => {
    const deletion = deletions.get(conversation);
    if (!deletion) return true;
    const key = `${client} ${conversation}`;
    const isSame = !deletion.pending && begun.get(key) === deletion.times;
    begun.set(key, deletion.times);
    return isSame;
  };
  const clients = Array.from({ length: CLIENTS }, (_, index) =>
    createSimulatedClient(`client${index}`, {
      url: () => environment.url,
      onFrame,
      isSameConversation,
      mayBeClosed: () => isRestarting,
      report: (rule, what) => void violations.push({ rule, what }),
    }),
  );
  const clientOf = (step: { client: number }): SimulatedClient => {
    const client = clients[step.client];
    if (!client) throw new Error(`no client has the number ${step.client}`);
    return client;
  };
  const named = (step: { conversation: number }) => conversations[step.conversation] ?? '';

  const chat = (client: SimulatedClient, connection: Connection, step: StepOf<'chat'>) => {
    const conversation = named(step);
    const requestId = `t${step.turn}`;
    const key = `${conversation} ${requestId}`;
    const payload = payloads.get(key) ?? payloadOf(step, conversation);
    payloads.set(key, payload);
    if (step.mode === 'interrupt') interrupts.push({ conversation, requestId });
    const said = step.otherText
      ? { text: writeMessage({ conversation, turn: 'another', recipe: step.recipe }) }
      : payload;
    return client.chat(connection, conversation, {
      requestId,
      payload: { ...said, mode: step.mode },
      streaming: step.streaming,
      withCursor: step.withCursor,
    });
  };
  const payloadOf = ({ turn, recipe, rewind }: StepOf<'chat'>, conversation: string) => {
    const text = writeMessage({ conversation, turn: `t${turn}`, recipe });
    if (!rewind) return { text };
    const seqs = [...new Set(promised.filter((each) => each.conversation === conversation).map(({ seq }) => seq))];
    const rewindTo = seqs[rewind.to % Math.max(1, seqs.length)] ?? rewind.to + 1;
    return { rewind_to: rewindTo, ...(rewind.edited ? { text } : {}) };
  };
  const remove = (client: SimulatedClient, connection: Connection, conversation: string) => {
    const times = (deletions.get(conversation)?.times ?? 0) + 1;
    deletions.set(conversation, { times, pending: true });
    return client.ask(connection, 'delete', { conversation_id: conversation }, () => {
      deletions.set(conversation, { times: (deletions.get(conversation)?.times ?? 0) + 1, pending: false });
    });
  };
  const ask = (
    client: SimulatedClient,
    connection: Connection,
    step: StepOf<'chat' | 'cancel' | 'subscribe' | 'unsubscribe' | 'respond' | 'history' | 'delete'>,
  ) => {
    const conversation = named(step);
    switch (step.do) {
      case 'chat':
        return chat(client, connection, step);
      case 'subscribe':
        return client.subscribe(connection, conversation, step.from, step.state);
      case 'unsubscribe':
        return client.unsubscribe(connection, conversation);
      case 'delete':
        return remove(client, connection, conversation);
      case 'history':
        return client.ask(connection, 'history', { conversation_id: conversation });
      case 'cancel': {
        const target = step.turn === null ? null : `t${step.turn}`;
        stops.push({ conversation, target });
        return client.ask(connection, 'cancel', {
          conversation_id: conversation,
          ...(target === null ? {} : { target }),
        });
      }
      case 'respond': {
        const known = [...(questions.get(conversation) ?? [])];
        const interruptId = known.at(-1 - (step.question % Math.max(1, known.length))) ?? 'nothing';
        return client.ask(connection, 'respond', {
          conversation_id: conversation,
          interrupt_id: interruptId,
          decision: step.decision,
        });
      }
    }
  };

  return {
    clients,
    conversations,
    violations,
    promised,
    stops,
    interrupts,
    get restarts() {
      return restarts;
    },
    wasDeleted: (conversation) => deletions.has(conversation),
    async take(step) {
      switch (step.do) {
        case 'model':
          environment.model.allow(named(step), step.pieces);
          return step.hurry ? undefined : environment.flush();
        case 'restart':
          restarts += 1;
          isRestarting = true;
          await environment.restart();
          // A client that does not read has not noticed the restart.
          for (const { connection } of clients)
            await (connection?.isReading ? connection.until(() => false) : connection?.close('cut'));
          isRestarting = false;
          return undefined;
        case 'drop':
          return clientOf(step).connection?.close(step.how);
        case 'stopReading':
          return (await clientOf(step).connect()).stopReading();
        case 'resumeReading':
          return clientOf(step).connection?.resumeReading();
        default: {
          const client = clientOf(step);
          const connection = await client.connect();
          const answers = step.do === 'resume' ? client.resume(connection) : [ask(client, connection, step)];
          if (step.hurry || !connection.isReading) return undefined;
          for (const isAnswered of answers) await connection.until(isAnswered);
          return environment.flush();
        }
      }
    },
  };
}
