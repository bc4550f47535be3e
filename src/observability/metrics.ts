/** Defines Parley's Prometheus metrics, in their own registry. Parts report values, and gauges are read at each scrape. */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';
import type { Usage } from '../../machines/log.ts';
import type { RefusalKind } from '../refusal.ts';
import type { IncidentReport } from './incident-report.ts';

/** What the parts report. */
export interface Metrics extends IncidentReport {
  /** A turn ended: its finish reason or error code, and its time from commit to end. Null for a turn that a restart interrupted. */
  turnEnded(end: string, seconds: number | null): void;
  /** From the message's commit to the first chunk of its answer. */
  firstChunk(seconds: number): void;
  /** One request to a model, with its time in the queue. */
  hopEnded(provider: string, end: string, seconds: number): void;
  toolEnded(server: string, status: string, seconds: number): void;
  /** The usage and the cost of a request to a model. */
  used(provider: string, model: string, usage: Usage): void;
  /** Parley's own count of a request's input, and the provider's. */
  estimated(provider: string, tokens: number, reported: number): void;
  batchCommitted(appends: number, rows: number, seconds: number): void;
  /** A request or a connection was rejected. */
  refused(kind: RefusalKind): void;
  /** Prometheus text, format 0.0.4. */
  text(): Promise<string>;
  readonly contentType: string;
  close(): void;
}

/** Read at each scrape. */
export interface Gauges {
  connections(): number;
  conversationsLive(): number;
  logCacheBytes(): number;
  writesQueued(): number;
  /** Queued and running turns. */
  openTurns(): number;
  /** Turns that wait for a permit. */
  turnsQueued(): number;
  /** The result of the last reload of the configuration. The start counts as the first one. */
  reload(): { successful: boolean; succeededAtMs: number };
  /** The load of each provider. */
  providers(): readonly { name: string; running: number; queued: number }[];
}

const SECONDS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120];
const COMMIT_SECONDS = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1];
const RATIOS = [0.25, 0.5, 0.7, 0.8, 0.9, 0.95, 1, 1.05, 1.1, 1.2, 1.5, 2, 4];
const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** Sampling interval of the event loop's delay. A sample includes this interval, which is not delay. */
const LOOP_SAMPLING_MS = 10;

/**
 * Registers all series as `parley_*`, with the default metrics of the process. Times are in seconds. Samples the event loop
 * until `close`.
 */
export function createMetrics(gauges: Gauges): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry, prefix: 'parley_' });
  const loopDelay = monitorEventLoopDelay({ resolution: LOOP_SAMPLING_MS });
  loopDelay.enable();

  const histogram = <Label extends string>(name: string, help: string, buckets: number[], labelNames: Label[]) =>
    new Histogram({ name: `parley_${name}`, help, buckets, labelNames, registers });
  const gauge = (name: string, help: string, read: () => number) =>
    new Gauge({
      name: `parley_${name}`,
      help,
      registers,
      collect() {
        this.set(read());
      },
    });

  const turns = new Counter({
    name: 'parley_turns_total',
    help: 'Turns that ended, by end.',
    labelNames: ['end'],
    registers,
  });
  const turnTimes = histogram(
    'turn_seconds',
    'Turns from the commit of the message to their end, by end; without turns that a restart interrupted.',
    SECONDS,
    ['end'],
  );
  const firstChunks = histogram(
    'first_chunk_seconds',
    'From the commit of the message to the first chunk of its answer.',
    SECONDS,
    [],
  );
  const hops = histogram(
    'hop_seconds',
    'Requests to models, with their time in the queue, by provider and end.',
    SECONDS,
    ['provider', 'end'],
  );
  const tools = histogram('tool_seconds', 'Tool calls, by server and status.', SECONDS, ['server', 'status']);
  const commits = histogram('commit_seconds', 'Group commits in the write thread.', COMMIT_SECONDS, []);
  const appends = histogram(
    'commit_appends',
    'Appends (messages, results, answers) in one group commit.',
    BATCH_SIZES,
    [],
  );
  const rows = histogram('commit_rows', 'Rows in one group commit.', BATCH_SIZES, []);
  const tokens = new Counter({
    name: 'parley_tokens_total',
    help: 'Tokens, reported or estimated, by kind, provider and model. Cached tokens are also prompt tokens, reasoning tokens mostly also completion tokens.',
    labelNames: ['kind', 'provider', 'model'],
    registers,
  });
  const costs = new Counter({
    name: 'parley_cost_total',
    help: 'Cost of these tokens by the configured prices, in their unit, by provider and model.',
    labelNames: ['provider', 'model'],
    registers,
  });
  const estimates = histogram(
    'estimate_ratio',
    "Ratio of Parley's estimate of a request's input tokens to the provider's count.",
    RATIOS,
    ['provider'],
  );
  const refused = new Counter({
    name: 'parley_connections_refused_total',
    help: 'Rejected requests and connections, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const closed = new Counter({
    name: 'parley_sockets_closed_total',
    help: 'Accepted sockets that the server closed because of the client, by reason.',
    labelNames: ['reason'],
    registers,
  });
  const framesRefused = new Counter({
    name: 'parley_frames_refused_total',
    help: 'Frames of clients that got an error at once, by code. Failed turns are in parley_turns_total.',
    labelNames: ['code'],
    registers,
  });
  gauge('connections', 'Open sockets.', gauges.connections);
  gauge('conversations_live', 'Conversations with a live actor.', gauges.conversationsLive);
  gauge('log_cache_bytes', 'Estimated bytes of the conversation logs in memory.', gauges.logCacheBytes);
  gauge('open_turns', 'Queued and running turns.', gauges.openTurns);
  gauge('turns_queued', 'Turns that wait for a permit: max_running_turns others run.', gauges.turnsQueued);
  const ofProviders = (name: string, help: string, read: (load: ReturnType<Gauges['providers']>[number]) => number) =>
    new Gauge({
      name: `parley_${name}`,
      help,
      labelNames: ['provider'],
      registers,
      collect() {
        // A reload may have removed providers.
        this.reset();
        for (const load of gauges.providers()) this.set({ provider: load.name }, read(load));
      },
    });
  ofProviders('provider_requests', 'Running requests to models, by provider.', ({ running }) => running);
  ofProviders(
    'provider_requests_queued',
    'Requests to models that wait because the provider is at its limits, by provider.',
    ({ queued }) => queued,
  );
  gauge('config_last_reload_successful', '1 if the last reload of the configuration was successful, else 0.', () =>
    Number(gauges.reload().successful),
  );
  gauge(
    'config_last_reload_success_timestamp_seconds',
    'Time of the last successful load of the configuration, since 1970.',
    () => gauges.reload().succeededAtMs / 1000,
  );
  gauge('writes_queued', 'Queued appends.', gauges.writesQueued);
  gauge('event_loop_delay_p99_seconds', 'Event loop delay since the last scrape, 99th percentile.', () => {
    const milliseconds = loopDelay.count === 0 ? 0 : loopDelay.percentile(99) / 1e6 - LOOP_SAMPLING_MS;
    loopDelay.reset();
    return Math.max(0, milliseconds) / 1000;
  });

  return {
    turnEnded(end, seconds) {
      turns.inc({ end });
      if (seconds !== null) turnTimes.observe({ end }, seconds);
    },
    firstChunk: (seconds) => firstChunks.observe(seconds),
    hopEnded: (provider, end, seconds) => hops.observe({ provider, end }, seconds),
    toolEnded: (server, status, seconds) => tools.observe({ server, status }, seconds),
    used(provider, model, { prompt_tokens, completion_tokens, cached_tokens = 0, reasoning_tokens = 0, cost = 0 }) {
      const counts = {
        prompt: prompt_tokens,
        completion: completion_tokens,
        cached: cached_tokens,
        reasoning: reasoning_tokens,
      };
      for (const [kind, count] of Object.entries(counts)) if (count > 0) tokens.inc({ kind, provider, model }, count);
      if (cost > 0) costs.inc({ provider, model }, cost);
    },
    estimated(provider, estimate, reported) {
      if (reported > 0) estimates.observe({ provider }, estimate / reported);
    },
    batchCommitted(appendCount, rowCount, seconds) {
      commits.observe(seconds);
      appends.observe(appendCount);
      rows.observe(rowCount);
    },
    refused: (kind) => refused.inc({ reason: kind }),
    socketClosed: (reason) => closed.inc({ reason }),
    frameRefused: (code) => framesRefused.inc({ code }),
    text: () => registry.metrics(),
    contentType: registry.contentType,
    close: () => loopDelay.disable(),
  };
}
