/**
 * Lists edges of the charts that no move can reach, each with its reason. An edge that is neither here nor on a path
 * fails the proof. So does an edge that is in both.
 */
export interface Reason {
  /** Matches the ids of the edges. */
  edge: RegExp;
  why: string;
}

export const unreachable: readonly Reason[] = [
  {
    edge: /: conversation\.passivate$/,
    why: 'The registry asks only idle conversations.',
  },
  {
    edge: /^conversation\.(activating|idle|turn\.queued): conversation\.halt$/,
    why: 'A halt comes after a drain, which has ended a conversation in this state.',
  },
  {
    edge: /^conversation\.(activating|deleting): conversation\.fail$/,
    why: 'Nothing is appended here that the store could throw at.',
  },
  {
    edge: /^conversation\.turn\.receiving: (client\.respond( \[tooManyDeferred\])?$|log\.(committed|failed) \[isResponse\]$)/,
    why: 'No turn runs yet, so no question is open. Answers to earlier questions are decided before their turn ends.',
  },
  {
    edge: /^conversation\.turn\.(loadingContext|streaming|backingOff|askingAgain|persisting|toolHop\.recording): log\.(committed|failed) \[isResponse\]$/,
    why: 'A turn continues or ends only after every answer to its questions is decided.',
  },
  {
    edge: /^conversation\.turn\.(loadingContext|streaming|backingOff|askingAgain): client\.respond( \[tooManyDeferred\])?$/,
    why: 'No question is open between two hops.',
  },
  {
    edge: /^conversation\.turn\.toolHop\.recording: client\.respond( \[tooManyDeferred\])?$/,
    why: 'The question is not in the log yet, and only questions in the log can be answered.',
  },
  {
    edge: /^conversation\.turn\.toolHop\.running: conversation\.expire/,
    why: 'According to its row in the log, a turn with a running call waits for no person, so it is never overdue.',
  },
  {
    edge: /^conversation\.turn\.cancelling\.stopping: (client\.(chat|respond|delete)( \[\w+\])?|client\.cancel( \[(tooMany|targetsQueued|targetsArriving)\w+\])?|answer\.failed|call\.(needsInput|becameTask)|conversation\.(drain|halt|fail))$/,
    why: "Streams and calls stop within milliseconds. Only what comes in the tick of the Stop's own commit can arrive here.",
  },
  {
    edge: /^conversation\.turn\.cancelling\.stopping: log\.(committed|failed) \[isResponse\]$/,
    why: 'After a Stop no answer is accepted, and an earlier one is decided before the Stop.',
  },
  {
    edge: /^conversation\.turn\.queued: (done|error) of permit$/,
    why: 'The actor that asks for a permit runs as long as its state, and reports by events.',
  },
  {
    edge: /^conversation\.turn\.timingOut: |^conversation\.turn\..*: (turn\.overdue|after longestAnswer)|\[isOverdue\]$/,
    why: 'No path takes as long as the longest times of answers and turns. Tests of the chart and of the server take them.',
  },
  {
    edge: /^toolCall\..*: (done|error) of call$/,
    why: 'The actor of a call reports its end as an event and never ends otherwise.',
  },
  {
    edge: /^toolCall\.(running|asking|waitingForTask): call\.ended \[wasCancelled\]$/,
    why: 'Only the chart cancels a call, which is then neither running, nor asking, nor waiting for a task.',
  },
  {
    edge: /^toolCall\.storingTask: call\.(progress|ended( \[\w+\])?)$/,
    why: 'The actor of a call is silent until the handle of its task is in the log.',
  },
  {
    edge: /^toolCall\.waitingForTask: call\.serverRequest$/,
    why: 'Only a server of 2025-11-25 asks on the connection during a task. The task server of a proof is a newer one.',
  },
  {
    edge: /^toolCall\.(timingOut|cancelling): (call\.(cancel|progress)|after grace|call\.ended \[succeeded\])$/,
    why: 'A cancelled call reports that at once, no matter what its server does.',
  },
];

/** Returns why no path leads to the edge; null if one must. */
export function reasonFor(edge: string): string | null {
  return unreachable.find((reason) => reason.edge.test(edge))?.why ?? null;
}
