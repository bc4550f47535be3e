/**
 * The tool hop of a turn: the calls that a model asked for are recorded, run or put to people, and their results
 * committed, before the model is asked again. There is no way from an open call back to the model.
 */
import { conversation } from './actions/turn.ts';
import { answerable, waitForCommit } from './handlers.ts';

export const toolHop = conversation.createStateConfig({
  description: 'The model has asked for tools. There is no way from an open call back to the model.',
  initial: 'recording',
  states: {
    recording: {
      description: 'One commit holds the assistant message and the decision on each call, before any call is made.',
      entry: 'appendHop',
      on: {
        ...waitForCommit,
        'log.committed': { guard: 'isHop', target: 'running', actions: ['countHop', 'raiseDeferred'] },
      },
    },
    running: {
      id: 'runningCalls',
      description: 'One actor a call, in parallel up to the limit; each result is committed as it comes.',
      entry: 'startCalls',
      always: [
        { guard: 'allCallsSettled', target: 'settling' },
        { guard: 'onlyPeopleAreAwaited', target: 'waiting' },
      ],
      on: {
        ...answerable,
        'call.needsInput': { actions: ['appendQuestion', 'startCalls'] },
        'call.settled': [
          { guard: 'mayRepeatCall', actions: 'repeatCall' },
          { actions: ['recordResult', 'startCalls'] },
        ],
        'log.committed': [
          { guard: 'isResult', actions: 'markRecorded' },
          { guard: 'isQuestion', actions: 'confirmQuestion' },
          { guard: 'isRepeat', actions: ['readyRepeat', 'startCalls'] },
          { guard: 'isResponse', actions: ['confirmResponse', 'startCalls', 'raiseDeferred'] },
        ],
      },
    },
    waiting: {
      id: 'waitingForPeople',
      description:
        'Every call that is open waits for a person. The conversation may leave memory: it comes back with the answer, or when time is up.',
      entry: 'returnPermit',
      always: { guard: 'mayStopWaiting', target: '#stopped' },
      on: {
        ...answerable,
        'log.committed': { guard: 'isResponse', target: '#inLine', actions: 'confirmResponse' },
        'conversation.drain': [{ guard: 'maySleep', target: '#stopped' }, { actions: 'stopWhenIdle' }],
        'conversation.passivate': { guard: 'maySleep', target: '#stopped' },
      },
    },
    settling: {
      description: 'Waits until every result is committed; then the model is asked again.',
      always: { guard: 'allCallsRecorded', target: '#loadingContext', actions: 'raiseDeferred' },
      on: { ...waitForCommit, 'log.committed': { guard: 'isResult', actions: 'markRecorded' } },
    },
  },
});
