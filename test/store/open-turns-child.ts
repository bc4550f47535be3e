/**
 * Opens two turns: in `asks` one that waits for a person, in `busy` one with an unfinished answer. Reports it on stdout and
 * runs until it is killed. Started by `killedWithOpenTurns`.
 */
import { createActor } from 'xstate';
import { openStore } from '../../src/store/store.ts';
import { begin, draftOf, waitingFor } from './support.ts';

const { store, writerLogic } = openStore({ path: process.argv[2] ?? '' });
createActor(writerLogic).start();
store.append(begin('busy', 'r1'), () => {
  store.saveDraft(draftOf('busy', 'r1', 'Half of wh'));
  store.append(begin('asks', 'r1'), () => {});
  // The thread does one job after the other: when this is stored, the draft is kept.
  store.append(waitingFor('asks', 'r1', 1000), ({ status }) => process.stdout.write(`${status}\n`));
});
