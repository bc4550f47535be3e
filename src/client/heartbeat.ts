/**
 * Notices a wire that has died without a word (a laptop that slept, a NAT that forgot): browsers
 * show no pings to a page, so a request that costs nothing asks whether anybody is there.
 */

export interface HeartbeatOptions {
  /** A whole interval without a frame is probed; a second one after it ends the socket. */
  intervalMs: number;
  probe(): void;
  onSilence(): void;
}

export interface Heartbeat {
  /** A frame has come in. */
  onFrame(): void;
  stop(): void;
}

export function startHeartbeat({ intervalMs, probe, onSilence }: HeartbeatOptions): Heartbeat {
  let silentIntervals = 0;
  let hadFrame = false;
  const timer = setInterval(() => {
    silentIntervals = hadFrame ? 0 : silentIntervals + 1;
    hadFrame = false;
    if (silentIntervals === 1) probe();
    else if (silentIntervals > 1) onSilence();
  }, intervalMs);

  return {
    onFrame() {
      hadFrame = true;
    },
    stop: () => clearInterval(timer),
  };
}
