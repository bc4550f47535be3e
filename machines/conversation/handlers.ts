/**
 * Answers to client events that several states of a turn share: what is deferred, refused or looked up in the same
 * words wherever it arrives. Lists of transitions only.
 */

/** A Stop of a turn that waits, or whose message is on its way to the log, touches the running one in no state. */
export const cancelOfQueuedTurn = [
  { guard: 'targetsQueuedTurn', actions: 'withdraw' },
  { guard: 'tooManyDeferred', actions: 'refuseFullQueue' },
  { guard: 'targetsArrivingMessage', actions: 'defer' },
  { actions: 'replyNothingRunning' },
] as const;

/** A Stop that meets an undecided commit is heard as soon as that is decided. */
export const deferUntilCommitted = {
  'client.cancel': [
    { guard: 'tooManyDeferred', actions: 'refuseFullQueue' },
    { guard: 'targetsRunningTurn', actions: 'defer' },
    ...cancelOfQueuedTurn,
  ],
} as const;

/** The answer to what nobody is asked, or whose decision is being committed, is looked up in the log: now, or when that is done. */
export const responseToOtherInterrupt = [
  { guard: 'answersNoInterrupt', actions: 'replyLate' },
  { guard: 'tooManyDeferred', actions: 'refuseFullQueue' },
  { actions: 'defer' },
] as const;

/** People answer, or their time runs out. */
export const onResponse = {
  'client.respond': [{ guard: 'answersOpenInterrupt', actions: 'appendResponse' }, ...responseToOtherInterrupt],
  'conversation.expire': { guard: 'timeIsUp', actions: 'appendExpiry' },
} as const;
