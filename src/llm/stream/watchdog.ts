/**
 * One timer a stream, for the silence before and between the bytes of an answer.
 * A byte only notes the time: the timer looks at the note when it fires and sleeps for the rest,
 * because clearing and setting one for every byte would cost more than reading it.
 */

/** What the stream waited for in vain. */
export type Silence = 'first_byte' | 'next_byte';

export interface Watchdog {
  /** A byte has come. */
  beat(): void;
  stop(): void;
}

/** Starts at once; calls `onSilence` at most once, and not after `stop`. */
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
      // The limit changes once, and the timer set for the first byte may be far too late for it.
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
