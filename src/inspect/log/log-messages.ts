/**
 * A conversation's log in the format of live inspection: each row an event, and the states that the fold says it
 * leaves the charts in. So the page, and every receiver of the format, shows a conversation that is over, or that a
 * crash cut off, as it would have shown it live.
 */
import { conversationMachine } from '../../../machines/conversation/machine.ts';
import type { LogRow } from '../../../machines/log.ts';
import { conversationStateAfter, toolCallStateAfter } from '../../../machines/conversation/decisions/log-state.ts';
import { toolCallMachine } from '../../../machines/tool-call.ts';
import type { ReplayStep } from '../../replay/steps.ts';
import type { Definitions } from '../stately-format.ts';
import { redacted, type RedactionLimits } from '../redaction.ts';
import { kindOf } from './rows.ts';
import { FORMAT_VERSION, type StatelyMessage, type ToldSnapshot } from '../stately-format.ts';

export interface LogMessageDeps {
  definitions: Definitions;
  limits: RedactionLimits;
}

/** Turns the steps of one conversation's replay, in order, into messages; keeps in mind which calls were told of. */
export function createLogMessages(
  conversationId: string,
  { definitions, limits }: LogMessageDeps,
): (step: ReplayStep) => StatelyMessage[] {
  const rootId = `log/${conversationId}`;
  /** The tool of each call that was made. */
  const calls = new Map<string, string>();
  let hasBegun = false;
  let ofRow = 0;
  /** Ids are the same in whatever piece of the log a row is read, so that pieces can be put together. */
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
  const born = (
    row: LogRow,
    sessionId: string,
    logic: unknown,
    name: string,
    snapshot: ToldSnapshot,
  ): StatelyMessage => ({
    type: '@xstate.actor',
    ...head(row, sessionId),
    name,
    parentId: sessionId === rootId ? undefined : rootId,
    definition: definitions(logic, name),
    snapshot,
  });
  const stands = (row: LogRow, sessionId: string, event: RowEvent, snapshot: ToldSnapshot): StatelyMessage[] => [
    { type: '@xstate.event', ...head(row, sessionId), sourceId: undefined, event },
    { type: '@xstate.snapshot', ...head(row, sessionId), event, snapshot, transitions: [] },
  ];
  /** As much of a call's context as its rows tell. */
  const toolOf = (session: string) => ({ tool: { name: calls.get(session) ?? '' } });

  return ({ row, folded }) => {
    const messages: StatelyMessage[] = [];
    if (!hasBegun) messages.push(born(row, rootId, conversationMachine, conversationId, at('idle')));
    hasBegun = true;
    ofRow = 0;
    const event = {
      ...fieldsOf(redacted({ ...row, conversation_id: undefined, timestamp: undefined }, limits)),
      type: kindOf(row.type, row.extra),
    };
    const session = `${rootId}/${row.tool_call_id}`;
    if (row.type === 'tool_call' && row.tool_call_id !== null) {
      calls.set(session, String(row.extra['name'] ?? ''));
      messages.push(
        born(row, session, toolCallMachine, row.tool_call_id, { ...at('running'), context: toolOf(session) }),
      );
    }
    messages.push(...stands(row, rootId, event, at(conversationStateAfter(row, folded))));
    const call = calls.has(session) ? toolCallStateAfter(row) : null;
    if (call)
      messages.push(
        ...stands(row, session, event, {
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

function at(state: string): ToldSnapshot {
  return { status: 'active', output: undefined, error: undefined, value: valueOf(state.split('.')) };
}

/** `['turn', 'streaming']` as a state value: `{ turn: 'streaming' }`. */
function valueOf([state = '', ...below]: readonly string[]): unknown {
  return below.length === 0 ? state : { [state]: valueOf(below) };
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}
