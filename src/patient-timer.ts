/**
 * Starts timers that judge silence. After a pause of the process (a laptop that slept, a virtual machine that moved) Node
 * runs due timers before it reads what has arrived meanwhile. These timers let it read first.
 */

/** A running timer. */
export interface PatientTimer {
  stop(): void;
}

/** Lateness from which the process counts as paused, in ms. Above the delays of a busy event loop. */
const PAUSE_MS = 1_000;

/** Most time for input after a pause, in ms: for handshakes that go on, and for bytes that TCP sends again. */
const MOST_GRACE_MS = 5_000;

/**
 * Calls `onDue` once after `delayMs` and one further round of I/O. If the process was paused until after that time, it
 * waits `delayMs` again, 5 s at most. Not called after `stop`.
 */
export function startPatientTimer(onDue: () => void, delayMs: number): PatientTimer {
  const dueMs = performance.now() + delayMs;
  let round: NodeJS.Immediate | undefined;
  const judge = () => {
    round = setImmediate(onDue);
  };
  let timer = setTimeout(() => {
    if (performance.now() - dueMs < PAUSE_MS) judge();
    else timer = setTimeout(judge, Math.min(delayMs, MOST_GRACE_MS));
  }, delayMs);
  return {
    stop() {
      clearTimeout(timer);
      clearImmediate(round);
    },
  };
}

/** The clock of the charts: their delays are patient. */
export const patientClock = {
  setTimeout: startPatientTimer,
  clearTimeout: (timer: PatientTimer | undefined) => timer?.stop(),
};

/** Runs a request whose signal aborts after `delayMs`, with a patient timer. */
export async function withinTime<Result>(
  delayMs: number,
  request: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const late = new AbortController();
  const timer = startPatientTimer(() => late.abort(new Error('Request timed out')), delayMs);
  try {
    return await request(late.signal);
  } finally {
    timer.stop();
  }
}
