/**
 * A run: clients take the steps, one after the other, against the server on the stage. Remembers what was asked, so
 * that the judge knows what may have become of it.
 */
import type { Frame } from '../../src/protocol/frames.ts';
import type { Rule } from './complaint.ts';
import type { Line } from './line.ts';
import { writeMessage } from './recipe.ts';
import type { Stage } from './stage.ts';
import { CONVERSATIONS, TABS, type Step } from './steps.ts';
import { createTab, type Tab } from './tab.ts';

export interface Complaint {
  rule: Rule;
  what: string;
}

export interface World {
  readonly tabs: readonly Tab[];
  readonly conversations: readonly string[];
  readonly complaints: readonly Complaint[];
  /** What was promised: messages with their seq. */
  readonly promised: readonly { conversation: string; requestId: string; seq: number }[];
  /** Stops that were asked for; of the running turn where there is no target. */
  readonly stops: readonly { conversation: string; target: string | null }[];
  /** Chats that may have interrupted another one. */
  readonly interrupts: readonly { conversation: string; requestId: string }[];
  readonly restarts: number;
  wasDeleted(conversation: string): boolean;
  take(step: Step): Promise<void>;
}

type StepOf<What extends Step['do']> = Extract<Step, { do: What }>;

export function createWorld(stage: Stage, name: string): World {
  const conversations = Array.from({ length: CONVERSATIONS }, (_, index) => `${name}-c${index}`);
  const complaints: Complaint[] = [];
  const promised: World['promised'][number][] = [];
  const stops: World['stops'][number][] = [];
  const interrupts: World['interrupts'][number][] = [];
  const questions = new Map<string, Set<string>>(conversations.map((conversation) => [conversation, new Set()]));
  const payloads = new Map<string, Record<string, unknown>>();
  const deletions = new Map<string, { times: number; pending: boolean }>();
  const begun = new Map<string, number>();
  let restarts = 0;
  let isRestarting = false;

  const heard = (frame: Frame) => {
    if (frame.status === 'processing' && frame.seq !== undefined)
      promised.push({ conversation: frame.conversation_id, requestId: frame.request_id, seq: frame.seq });
    if (frame.status === 'event' && frame.event.extra?.['kind'] === 'approval_request')
      questions.get(frame.conversation_id)?.add(String(frame.event.extra['interrupt_id']));
    if (frame.status === 'chunk' && frame.chunk.type === 'approval_request')
      questions.get(frame.conversation_id)?.add(frame.chunk.interrupt_id);
  };
  const mayGoOn = (tab: string, conversation: string) => {
    const deletion = deletions.get(conversation);
    if (!deletion) return true;
    const key = `${tab} ${conversation}`;
    const isSame = !deletion.pending && begun.get(key) === deletion.times;
    begun.set(key, deletion.times);
    return isSame;
  };
  const tabs = Array.from({ length: TABS }, (_, index) =>
    createTab(`tab${index}`, {
      url: () => stage.url,
      heard,
      mayGoOn,
      mayBeHungUpOn: () => isRestarting,
      complain: (rule, what) => void complaints.push({ rule, what }),
    }),
  );
  const tabOf = (step: { tab: number }): Tab => {
    const tab = tabs[step.tab];
    if (!tab) throw new Error(`there is no tab ${step.tab}`);
    return tab;
  };
  const named = (step: { conversation: number }) => conversations[step.conversation] ?? '';

  const chat = (tab: Tab, line: Line, step: StepOf<'chat'>) => {
    const conversation = named(step);
    const requestId = `t${step.turn}`;
    const key = `${conversation} ${requestId}`;
    const payload = payloads.get(key) ?? payloadOf(step, conversation);
    payloads.set(key, payload);
    if (step.mode === 'interrupt') interrupts.push({ conversation, requestId });
    const said = step.otherText
      ? { text: writeMessage({ conversation, turn: 'another', recipe: step.recipe }) }
      : payload;
    return tab.chat(line, conversation, {
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
  const remove = (tab: Tab, line: Line, conversation: string) => {
    const times = (deletions.get(conversation)?.times ?? 0) + 1;
    deletions.set(conversation, { times, pending: true });
    return tab.ask(line, 'delete', { conversation_id: conversation }, () => {
      deletions.set(conversation, { times: (deletions.get(conversation)?.times ?? 0) + 1, pending: false });
    });
  };
  const ask = (
    tab: Tab,
    line: Line,
    step: StepOf<'chat' | 'cancel' | 'subscribe' | 'unsubscribe' | 'respond' | 'history' | 'delete'>,
  ) => {
    const conversation = named(step);
    switch (step.do) {
      case 'chat':
        return chat(tab, line, step);
      case 'subscribe':
        return tab.subscribe(line, conversation, step.from, step.state);
      case 'unsubscribe':
        return tab.unsubscribe(line, conversation);
      case 'delete':
        return remove(tab, line, conversation);
      case 'history':
        return tab.ask(line, 'history', { conversation_id: conversation });
      case 'cancel': {
        const target = step.turn === null ? null : `t${step.turn}`;
        stops.push({ conversation, target });
        return tab.ask(line, 'cancel', { conversation_id: conversation, ...(target === null ? {} : { target }) });
      }
      case 'respond': {
        const known = [...(questions.get(conversation) ?? [])];
        const interruptId = known.at(-1 - (step.question % Math.max(1, known.length))) ?? 'nothing';
        return tab.ask(line, 'respond', {
          conversation_id: conversation,
          interrupt_id: interruptId,
          decision: step.decision,
        });
      }
    }
  };

  return {
    tabs,
    conversations,
    complaints,
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
          stage.model.allow(named(step), step.pieces);
          return step.hurry ? undefined : stage.breathe();
        case 'restart':
          restarts += 1;
          isRestarting = true;
          await stage.restart();
          // Who does not read has not heard of it.
          for (const { line } of tabs) await (line?.isReading ? line.until(() => false) : line?.hangUp('cut'));
          isRestarting = false;
          return undefined;
        case 'drop':
          return tabOf(step).line?.hangUp(step.how);
        case 'stopReading':
          return (await tabOf(step).connect()).stopReading();
        case 'readOn':
          return tabOf(step).line?.readOn();
        default: {
          const tab = tabOf(step);
          const line = await tab.connect();
          const answers = step.do === 'resume' ? tab.resume(line) : [ask(tab, line, step)];
          if (step.hurry || !line.isReading) return undefined;
          for (const isAnswered of answers) await line.until(isAnswered);
          return stage.breathe();
        }
      }
    },
  };
}
