/**
 * Edges of the charts that nobody outside can bring about, each with its reason. An edge that is neither here nor
 * on a path fails the proof, and so does one that is in both.
 */
export interface Reason {
  /** Of the edge's id. */
  edge: RegExp;
  why: string;
}

export const unreachable: readonly Reason[] = [
  {
    edge: /: conversation\.passivate$/,
    why: 'The registry asks only conversations that rest.',
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
    why: 'No turn runs yet, so nothing is asked; an answer to an earlier question is decided before its turn ends.',
  },
  {
    edge: /^conversation\.turn\.(loadingContext|streaming|backingOff|persisting|toolHop\.recording): log\.(committed|failed) \[isResponse\]$/,
    why: 'A turn goes on, or ends, only when every answer to its questions is decided.',
  },
  {
    edge: /^conversation\.turn\.(loadingContext|streaming|backingOff): client\.respond( \[tooManyDeferred\])?$/,
    why: 'Nothing is asked between two hops; what was asked before has been decided.',
  },
  {
    edge: /^conversation\.turn\.toolHop\.recording: client\.respond( \[tooManyDeferred\])?$/,
    why: 'The question is not in the log yet, and only what is there can be answered.',
  },
  {
    edge: /^conversation\.turn\.toolHop\.running: conversation\.expire/,
    why: 'By its row in the log a turn with a call under way waits for nobody, so it is never overdue.',
  },
  {
    edge: /^conversation\.turn\.cancelling\.stopping: (client\.(chat|respond|delete)( \[\w+\])?|client\.cancel( \[(tooMany|targetsQueued|targetsArriving)\w+\])?|answer\.failed|call\.asks|conversation\.(drain|halt|fail))$/,
    why: "Streams and calls that are told to stop do so within milliseconds. Only what comes in the tick of the Stop's own commit can be put here from outside.",
  },
  {
    edge: /^conversation\.turn\.cancelling\.stopping: log\.(committed|failed) \[isResponse\]$/,
    why: 'After a Stop no answer is taken any more, and one that came before it is decided before it.',
  },
  {
    edge: /^conversation\.turn\.queued: (done|error) of permit$/,
    why: 'The actor in the line waits as long as its state, and reports as events.',
  },
  {
    edge: /^toolCall\..*: (done|error) of call$/,
    why: 'The actor behind a call tells its end as an event and never ends otherwise.',
  },
  {
    edge: /^toolCall\.(running|asking): call\.ended \[wasCancelled\]$/,
    why: 'A call is given up when the chart says so, and is then neither running nor asking.',
  },
  {
    edge: /^toolCall\.(timingOut|cancelling): (call\.(cancel|progress)|after grace|call\.ended \[succeeded\])$/,
    why: 'A call that is told to give up says so at once, whatever its server does.',
  },
];

/** Why no path leads to the edge; null when one must. */
export function reasonFor(edge: string): string | null {
  return unreachable.find((reason) => reason.edge.test(edge))?.why ?? null;
}
