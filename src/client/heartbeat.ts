/**
 * Detects a dead connection (the computer slept, a NAT dropped its entry). Browsers hide WebSocket pings from pages, so a
 * cheap request tests the connection.
 */

/** The interval and what it calls. */
export interface HeartbeatOptions {
  /** After one interval without a frame `probe` is called, after a second one `onSilence`. */
  intervalMs: number;
  probe(): void;
  onSilence(): void;
}

/** The heartbeat of one socket. */
export interface Heartbeat {
  /** To be called for each frame. */
  onFrame(): void;
  stop(): void;
}

/** Starts to watch a connection. After one interval without a frame it calls `probe`, after two `onSilence`. */
export function startHeartbeat({ intervalMs, probe, onSilence }: HeartbeatOptions): Heartbeat {
  let silentIntervals = 0;
  let hadFrame = false;
  let lastMs = performance.now();
  const timer = setInterval(() => {
    const nowMs = performance.now();
    // The computer slept. What arrived meanwhile is read after this timer, so the silence is measured from now on.
    if (nowMs - lastMs > 1.5 * intervalMs) silentIntervals = 0;
    lastMs = nowMs;
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
