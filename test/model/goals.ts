/**
 * Lists the goals of the flows under one limit of tool hops. A *goal* is a transition of a chart, a guard with one of
 * its results, or a number of hops. A goal that no flow reaches needs a reason.
 */
import { conversationMachine } from '../../machines/conversation/machine.ts';
import { toolCallMachine } from '../../machines/tool-call.ts';
import { edgesOf, type Edge } from '../proof/edges.ts';
import { reasonFor, type Reason } from '../proof/unreachable.ts';
import type { World } from '../proof/world.ts';

/** Values of `max_tool_hops` under which flows are played. */
export const HOP_LIMITS = [0, 1, 2, 3] as const;

export interface Goal {
  /** Id by which worlds are searched. */
  id: string;
  /** State in which it is reached; null for the hops of a turn. */
  state: string | null;
  /**
   * `taken`: a transition is taken; its guard, if any, returns true. `refused`: a guard returns false. `hops`: hops are
   * made.
   */
  what: 'taken' | 'refused' | 'hops';
  guarded: boolean;
}

/** Lists all goals, reachable or not. */
export function goalsWith(maxToolHops: number): Goal[] {
  const hops = Array.from({ length: maxToolHops }, (_, index): Goal => ({
    id: hopsMade(index + 1),
    state: null,
    what: 'hops',
    guarded: false,
  }));
  return [
    ...allEdges().flatMap(goalsOfEdge),
    ...hops,
    { id: LIMIT_REACHED, state: null, what: 'hops', guarded: false },
  ];
}

/** Goals that the last move of a world reached. */
export function reachedIn({ taken, refused, conversation, log }: World): string[] {
  const { hops = 0 } = conversation?.context.turn ?? {};
  const atLimit = log.rows().some(({ type, extra }) => type === 'tool_result' && extra['status'] === 'limit');
  return [
    ...taken,
    ...refused.map(refusalOf),
    ...(hops > 0 ? [hopsMade(hops)] : []),
    ...(atLimit ? [LIMIT_REACHED] : []),
  ];
}

/** Why no move can reach the goal with so many hops; null if a flow must reach it. */
export function reasonWhyNot(goal: string, maxToolHops: number): string | null {
  const edge = allEdges().find(({ id }) => id === goal || refusalOf(id) === goal);
  if (edge === undefined) return null;
  const always = edge.id === goal ? reasonFor(edge.id) : reasonWhyNeverRefused(edge);
  return always ?? needsHops.find((reason) => reason.hops > maxToolHops && reason.goal.test(goal))?.why ?? null;
}

const LIMIT_REACHED = 'a call at the limit of hops';
const hopsMade = (count: number) => `hop ${count} of a turn`;
const refusalOf = (edge: string) => `${edge} says no`;

function allEdges(): Edge[] {
  return [...edgesOf(conversationMachine), ...edgesOf(toolCallMachine)];
}

function goalsOfEdge({ id, state, guard }: Edge): Goal[] {
  const guarded = guard !== null;
  const taken: Goal = { id, state: stateIn(id, state), what: 'taken', guarded };
  return guarded ? [taken, { id: refusalOf(id), state: stateIn(id, state), what: 'refused', guarded }] : [taken];
}

function stateIn(edge: string, state: string): string {
  return `${edge.split('.')[0]}.${state}`;
}

/** A guard's false result shows only if the event reaches the next transition, or none. */
function reasonWhyNeverRefused(edge: Edge): string | null {
  const tried = allEdges().filter(
    ({ id, state, event }) =>
      state === edge.state && event === edge.event && id.split('.')[0] === edge.id.split('.')[0],
  );
  const behind = tried.slice(tried.findIndex(({ id }) => id === edge.id) + 1);
  const reasons = behind.map(({ id }) => reasonFor(id));
  // If nothing behind it is ever taken, the same reason says that the guard never returns false.
  if (behind.some(({ guard }) => guard === null) && reasons.every((reason) => reason !== null))
    return reasons[0] ?? null;
  return neverRefused.find((reason) => reason.edge.test(edge.id))?.why ?? reasonFor(edge.id);
}

/** Guards that never return false, although no reason of the transitions behind them says so. */
export const neverRefused: readonly Reason[] = [
  {
    edge: /^conversation\.(recovering|turn\.(queued|backingOff|askingAgain|toolHop\.(waiting|settling)|cancelling\.stopping)): log\.committed \[(isRecovery|isWithdrawal|isResponse)\]$/,
    why: 'Only rows for this guard, or for one before it, are written in this state.',
  },
  {
    edge: /^conversation\.idle: conversation\.passivate \[nothingArrives\]$/,
    why: 'The registry asks only idle conversations.',
  },
];

/** Goals that need at least so many hops. */
export const needsHops: readonly { hops: number; goal: RegExp; why: string }[] = [
  {
    hops: 1,
    goal: /^toolCall\.|^conversation\.turn\.toolHop\.|: call\.(settled|becameTask)|\[(asksForTools|hasCalls)\]$/,
    why: 'Without hops no tool is called.',
  },
  {
    hops: 1,
    goal: /\[budgetIsSpent\]$/,
    why: 'A turn without hops asks the model once, and has used nothing before.',
  },
  {
    hops: 1,
    goal: /: (client\.respond|call\.needsInput)|\[(isResponse|isQuestion|interruptedTurnOnlyWaits)\]$/,
    why: 'Without a call no person is asked.',
  },
  {
    hops: 1,
    goal: /^conversation\.recovering: log\.committed \[interruptedTurnIsOver\]$/,
    why: 'A turn that was stopped before it made a hop is only its message: it is ended without recovery.',
  },
  {
    hops: 2,
    goal: /^conversation\.turn\.toolHop\.recording: client\.respond \[answersNoInterrupt\]$/,
    why: 'An answer to a question of an earlier hop comes while the next hop is recorded.',
  },
];
