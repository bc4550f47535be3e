/**
 * Limits the silence before and between the bytes of an answer, with one timer per stream. A byte only stores the time: the
 * timer checks it when it fires and waits for the rest, because resetting a timer for every byte costs more.
 */

/** The byte that did not come in time. */
export type Silence = 'first_byte' | 'next_byte';

export interface Watchdog {
  /** A byte has come. */
  beat(): void;
  stop(): void;
}

/** Starts at once. Calls `onSilence` at most once, and not after `stop`. */
export function createWatchdog(
  limits: { firstByteTimeoutMs: number; stallTimeoutMs: number },
  onSilence: (silence: Silence) => void,
): Watchdog {
  let silence: Silence = 'first_byte';
  let limitMs = limits.firstByteTimeoutMs;
  let lastMs = performance.now();
  let timer = setTimeout(look, limitMs);

  function look(): void {
    const restMs = lastMs + limitMs - performance.now();
    if (restMs > 0) timer = setTimeout(look, Math.ceil(restMs));
    else onSilence(silence);
  }

  return {
    beat() {
      lastMs = performance.now();
      if (silence === 'next_byte') return;
      // The limit changes once. The timer of the first byte may fire far too late for it.
      silence = 'next_byte';
      limitMs = limits.stallTimeoutMs;
      clearTimeout(timer);
      timer = setTimeout(look, limitMs);
    },
    stop() {
      clearTimeout(timer);
    },
  };
}
