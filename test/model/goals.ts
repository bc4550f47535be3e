/**
 * What the model's flows are to bring about under one limit of tool hops: every transition of the conversation's and
 * the call's chart, each guard with both answers, and as many hops as may be. What no flow can is told with its reason.
 */
import { conversationMachine } from '../../machines/conversation/machine.ts';
import { toolCallMachine } from '../../machines/tool-call.ts';
import { edgesOf, type Edge } from '../proof/edges.ts';
import { reasonFor, type Reason } from '../proof/unreachable.ts';
import type { World } from '../proof/world.ts';

/** Values of `max_tool_hops` under which flows are played. */
export const HOP_LIMITS = [0, 1, 2, 3] as const;

export interface Goal {
  /** What worlds are asked for. */
  id: string;
  /** The state where it comes about; null for the hops of a turn. */
  state: string | null;
  /** A transition is taken, by its guard's yes if it has one; a guard says no; hops are made. */
  what: 'taken' | 'refused' | 'hops';
  guarded: boolean;
}

/** All that may come about, reachable or not. */
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

/** The goals that a world has just reached. */
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

/** Why nothing outside can bring it about with so many hops; null when a flow must. */
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

/** A guard says no only if the event goes on to what comes behind it, or to nothing. */
function reasonWhyNeverRefused(edge: Edge): string | null {
  const tried = allEdges().filter(
    ({ id, state, event }) =>
      state === edge.state && event === edge.event && id.split('.')[0] === edge.id.split('.')[0],
  );
  const behind = tried.slice(tried.findIndex(({ id }) => id === edge.id) + 1);
  const reasons = behind.map(({ id }) => reasonFor(id));
  // The event never gets further than this, says the reason why nothing behind it is taken.
  if (behind.some(({ guard }) => guard === null) && reasons.every((reason) => reason !== null))
    return reasons[0] ?? null;
  return neverRefused.find((reason) => reason.edge.test(edge.id))?.why ?? reasonFor(edge.id);
}

/** Guards that are asked and never say no, though nothing behind them tells so. */
export const neverRefused: readonly Reason[] = [
  {
    edge: /^conversation\.(recovering|turn\.(queued|backingOff|toolHop\.(waiting|settling)|cancelling\.stopping)): log\.committed \[(isRecovery|isWithdrawal|isResponse)\]$/,
    why: 'Nothing else is written in this state but what this guard, or one before it, takes.',
  },
  {
    edge: /^conversation\.idle: conversation\.passivate \[nothingArrives\]$/,
    why: 'The registry asks only conversations that rest.',
  },
];

/** What cannot come about in a turn that may make fewer hops than these. */
export const needsHops: readonly { hops: number; goal: RegExp; why: string }[] = [
  {
    hops: 1,
    goal: /^toolCall\.|^conversation\.turn\.toolHop\.|: call\.settled|\[(asksForTools|hasCalls)\]$/,
    why: 'Without hops nothing is called.',
  },
  {
    hops: 1,
    goal: /\[budgetIsSpent\]$/,
    why: 'A turn without hops asks the model once, and has used nothing before.',
  },
  {
    hops: 1,
    goal: /: (client\.respond|call\.asks)|\[(isResponse|isQuestion|interruptedTurnOnlyWaits)\]$/,
    why: 'Where nothing is called nobody is asked.',
  },
  {
    hops: 1,
    goal: /^conversation\.recovering: log\.committed \[interruptedTurnIsOver\]$/,
    why: 'A turn that was stopped before it made a hop is only its message: it is ended without being taken up.',
  },
  {
    hops: 2,
    goal: /^conversation\.turn\.toolHop\.recording: client\.respond \[answersNoInterrupt\]$/,
    why: 'An answer to a question of an earlier hop comes while the next hop is recorded.',
  },
];
