/**
 * Converts a conversation's log to messages of live inspection. Each row becomes an event, followed by the state that
 * the fold derives from it. So the page, and every receiver of the format, shows a past conversation like a live one,
 * even if a crash interrupted it.
 */
import { conversationMachine } from '../../../machines/conversation/machine.ts';
import type { LogRow } from '../../../machines/log.ts';
import { conversationStateAfter, toolCallStateAfter } from '../../../machines/conversation/decisions/log-state.ts';
import { toolCallMachine } from '../../../machines/tool-call.ts';
import type { ReplayStep } from '../../replay/steps.ts';
import type { Definitions } from '../stately-format.ts';
import { redacted, type RedactionLimits } from '../redaction.ts';
import { rowKind } from './rows.ts';
import { FORMAT_VERSION, type StatelyMessage, type ActorSnapshot } from '../stately-format.ts';

/** The charts, and what viewers may see. */
export interface LogMessageDeps {
  definitions: Definitions;
  limits: RedactionLimits;
}

/** Returns a function that converts the replay steps of one conversation, in order. It remembers the calls it has seen. */
export function createLogMessages(
  conversationId: string,
  { definitions, limits }: LogMessageDeps,
): (step: ReplayStep) => StatelyMessage[] {
  const rootId = `log/${conversationId}`;
  /** The tool of each call that was made. */
  const calls = new Map<string, string>();
  let hasBegun = false;
  let ofRow = 0;
  /** A row's ids do not depend on the piece of the log that contains it, so the page can join pieces. */
  const head = (row: LogRow, sessionId: string) => {
    ofRow += 1;
    return {
      rootId,
      sessionId,
      createdAt: String(Date.parse(row.timestamp)),
      id: hasBegun ? `${row.seq}.${ofRow}` : '0',
      _version: FORMAT_VERSION,
    };
  };
  const actorMessage = (
    row: LogRow,
    sessionId: string,
    logic: unknown,
    name: string,
    snapshot: ActorSnapshot,
  ): StatelyMessage => ({
    type: '@xstate.actor',
    ...head(row, sessionId),
    name,
    parentId: sessionId === rootId ? undefined : rootId,
    definition: definitions(logic, name),
    snapshot,
  });
  const stateMessages = (
    row: LogRow,
    sessionId: string,
    event: RowEvent,
    snapshot: ActorSnapshot,
  ): StatelyMessage[] => [
    { type: '@xstate.event', ...head(row, sessionId), sourceId: undefined, event },
    { type: '@xstate.snapshot', ...head(row, sessionId), event, snapshot, transitions: [] },
  ];
  /** The part of a call's context that its rows contain. */
  const toolOf = (session: string) => ({ tool: { name: calls.get(session) ?? '' } });

  return ({ row, folded }) => {
    const messages: StatelyMessage[] = [];
    if (!hasBegun) messages.push(actorMessage(row, rootId, conversationMachine, conversationId, at('idle')));
    hasBegun = true;
    ofRow = 0;
    const event = {
      ...fieldsOf(redacted({ ...row, conversation_id: undefined, timestamp: undefined }, limits)),
      type: rowKind(row.type, row.extra),
    };
    const session = `${rootId}/${row.tool_call_id}`;
    if (row.type === 'tool_call' && row.tool_call_id !== null) {
      calls.set(session, String(row.extra['name'] ?? ''));
      messages.push(
        actorMessage(row, session, toolCallMachine, row.tool_call_id, { ...at('running'), context: toolOf(session) }),
      );
    }
    messages.push(...stateMessages(row, rootId, event, at(conversationStateAfter(row, folded))));
    const call = calls.has(session) ? toolCallStateAfter(row) : null;
    if (call)
      messages.push(
        ...stateMessages(row, session, event, {
          ...at(call.state),
          status: call.isEnd ? 'done' : 'active',
          context: toolOf(session),
        }),
      );
    return messages;
  };
}

interface RowEvent {
  type: string;
  [field: string]: unknown;
}

function at(state: string): ActorSnapshot {
  return { status: 'active', output: undefined, error: undefined, value: valueOf(state.split('.')) };
}

/** `['turn', 'streaming']` as a state value: `{ turn: 'streaming' }`. */
function valueOf([state = '', ...below]: readonly string[]): unknown {
  return below.length === 0 ? state : { [state]: valueOf(below) };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
