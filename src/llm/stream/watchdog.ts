/**
 * Limits the silence before, within and after an answer, with one timer per stream. Text, reasoning and tool calls are
 * what counts: keep-alive comments prove that the connection works, not that an answer comes. Events only store the time.
 * The timer checks it when it fires and waits for the rest, because resetting a timer for every event costs more.
 */

import { startPatientTimer } from '../../patient-timer.ts';

/** Where the answer was silent for too long. */
export type Silence = 'before_answer' | 'within_answer' | 'after_answer';

/** The timer of one stream. */
export interface Watchdog {
  /** A byte has come, of any kind. */
  beat(): void;
  /** Text, reasoning or a piece of a tool call has come. */
  said(): void;
  /** The finish reason has come. Only the usage may follow. */
  finished(): void;
  stop(): void;
}

/** In ms. Each is read when the timer fires. */
export interface WatchdogLimits {
  /** From the request to the first text. Within an answer, also the longest time with bytes but without text. */
  firstByteTimeoutMs: number;
  /** Between two bytes, once the answer has begun. */
  stallTimeoutMs: number;
  /** From the finish reason to the end of the stream. */
  finishTimeoutMs: number;
}

/** Starts at once. Calls `onSilence` at most once, and not after `stop`. */
export function createWatchdog(limits: WatchdogLimits, onSilence: (silence: Silence) => void): Watchdog {
  const startedMs = performance.now();
  let byteMs = startedMs;
  let saidMs: number | null = null;
  let finishedMs: number | null = null;
  let timer = startPatientTimer(look, limits.firstByteTimeoutMs);

  function deadlineMs(): number {
    const { firstByteTimeoutMs, stallTimeoutMs, finishTimeoutMs } = limits;
    if (finishedMs !== null) return finishedMs + finishTimeoutMs;
    if (saidMs === null) return startedMs + firstByteTimeoutMs;
    return Math.min(byteMs + stallTimeoutMs, saidMs + Math.max(firstByteTimeoutMs, stallTimeoutMs));
  }
  function look(): void {
    timer.stop();
    const restMs = deadlineMs() - performance.now();
    if (restMs > 0) timer = startPatientTimer(look, Math.ceil(restMs));
    else onSilence(finishedMs !== null ? 'after_answer' : saidMs === null ? 'before_answer' : 'within_answer');
  }

  return {
    beat() {
      byteMs = performance.now();
    },
    said() {
      const isFirst = saidMs === null;
      saidMs = byteMs = performance.now();
      // The timer of the longer limit may fire far too late for the shorter one.
      if (isFirst) look();
    },
    finished() {
      if (finishedMs !== null) return;
      finishedMs = performance.now();
      look();
    },
    stop() {
      timer.stop();
    },
  };
}
