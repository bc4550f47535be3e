/**
 * Maps the configuration to the options of each part: seconds become milliseconds, keys become names in code. Every number
 * is the configuration's. Each function is called again at a reload (live-settings.ts).
 */
import { isLoopback } from '../loopback.ts';
import type { Sample } from '../mcp/server-requests/sampling.ts';
import type { Config } from './schema/schema.ts';

/** Converts seconds. Durations in the configuration are seconds unless the key ends in `_ms`. */
export const ms = (seconds: number) => Math.round(seconds * 1000);

/** Options of the language model, without API keys and the demo model. */
export function modelOptions({ llm }: Config) {
  return {
    active: llm.active,
    fallback: llm.fallback,
    connectTimeoutMs: ms(llm.connect_timeout),
    firstByteTimeoutMs: ms(llm.first_byte_timeout),
    stallTimeoutMs: ms(llm.stall_timeout),
    finishTimeoutMs: ms(llm.finish_timeout),
    queueTimeoutMs: ms(llm.queue_timeout),
    providers: llm.providers,
  };
}

/** Limits of a provider's circuit, in ms and failures. */
export function circuitLimits({ llm: { circuit } }: Config) {
  return { failures: circuit.failures, cooldownMs: ms(circuit.cooldown) };
}

/** The context window, in tokens and messages. */
export function windowLimits({
  chat: {
    service: { context },
  },
}: Config) {
  return {
    maxTokens: context.max_tokens,
    reserveTokens: context.reserve_tokens,
    preserveRecent: context.preserve_recent,
    maxImages: context.max_images,
  };
}

/** Limits of the log cache, in bytes and tokens. */
export function warmLimits({ chat: { service } }: Config) {
  return {
    maxBytes: service.log_cache_bytes,
    windowTokens: service.context.max_tokens - service.context.reserve_tokens,
    preserveRecent: service.context.preserve_recent,
    maxImages: service.context.max_images,
  };
}

/** Limits of a frame. */
export function decoderLimits({ chat }: Config) {
  return {
    maxTextLength: chat.service.max_text_length,
    maxMetadataBytes: chat.service.max_metadata_size,
    maxDepth: chat.websocket.max_json_depth,
  };
}

/** Limits of the connections to MCP servers and of their calls. Times in ms. */
export function mcpServersLimits({ mcp, chat }: Config) {
  const { connection, limits } = mcp;
  return {
    connectionTimeoutMs: ms(connection.connection_timeout),
    programStartTimeoutMs: ms(connection.start_timeout),
    fetchTimeoutMs: ms(connection.fetch_timeout),
    toolsWaitMs: ms(connection.tools_wait),
    initialBackoffMs: ms(connection.initial_reconnect_delay),
    maxBackoffMs: ms(connection.max_reconnect_delay),
    maxReconnectAttempts: connection.max_reconnect_attempts,
    failedRetryMs: ms(connection.failed_retry_delay),
    healthIntervalMs: ms(connection.health_interval),
    authorizationTimeoutMs: ms(mcp.authorization.timeout),
    pingTimeoutMs: ms(connection.ping_timeout),
    listWaitMs: ms(connection.list_wait),
    callGraceMs: ms(connection.call_grace),
    closeGraceMs: ms(connection.close_grace),
    maxMessageBytes: limits.max_message_size,
    maxDescriptionChars: limits.max_description_length,
    maxInstructionsChars: limits.max_instructions_length,
    maxSchemaBytes: limits.max_schema_size,
    maxTools: limits.max_tools,
    maxConcurrent: limits.max_concurrent,
    requestTimeoutMs: ms(connection.request_timeout),
    minPollIntervalMs: ms(mcp.tasks.min_poll_interval),
    maxPollIntervalMs: ms(mcp.tasks.max_poll_interval),
    maxListed: limits.max_listed,
    maxQuestions: limits.max_questions,
    maxQuestionBytes: limits.max_question_size,
    maxResultTokens: chat.service.tools.max_result_tokens,
    maxImageBytes: chat.service.tools.max_image_size,
  };
}

/** Settings of the OAuth sign-in at MCP servers. */
export function authorizerOptions({ mcp }: Config) {
  const { credentials_file, callback_port, callback_url, client_metadata_url } = mcp.authorization;
  return {
    credentialsFile: credentials_file,
    callbackPort: callback_port,
    callbackUrl: callback_url,
    clientMetadataUrl: client_metadata_url,
  };
}

/** Resources of MCP servers in the system prompt. */
export function promptResources({ mcp }: Config) {
  const { max_listed, contents, timeout } = mcp.resources_in_prompt;
  return { mostNamed: max_listed, contents, waitMs: ms(timeout) };
}

/** Answers to the requests of MCP servers: roots and sampling. */
export function clientFeatures({ mcp }: Config, sample: Sample) {
  const { permission, max_tokens: maxTokens, requests_per_call: requestsPerCall } = mcp.sampling;
  return { roots: mcp.roots, sampling: { permission, maxTokens, requestsPerCall, sample } };
}

/** Permissions and repeats of tools: by name, and for the others by the annotations of their servers. */
export function toolPolicy({ chat }: Config) {
  const { repeat, permission, permission_by_hint: permissionByHint } = chat.service.tools;
  return { repeat, permission, permissionByHint };
}

/** The servers and tools that the configuration names, by configuration key. */
export function configuredNames({ chat, mcp }: Config) {
  const { repeat, permission } = chat.service.tools;
  return [
    { key: 'chat.service.tools.permission', names: Object.keys(permission) },
    { key: 'chat.service.tools.repeat', names: Object.keys(repeat) },
    { key: 'mcp.resources_in_prompt.contents', names: mcp.resources_in_prompt.contents.map(({ server }) => server) },
  ];
}

/** Limits of a conversation and its turns. */
export function conversationLimits({ chat, llm }: Config) {
  const { service } = chat;
  return {
    maxToolHops: service.max_tool_hops,
    toolConcurrency: service.tools.max_concurrent,
    toolTimeoutMs: ms(service.tools.timeout),
    toolMaxTimeoutMs: ms(service.tools.max_timeout),
    toolTaskTimeoutMs: ms(service.tools.task_timeout),
    approvalTimeoutMs: ms(service.tools.approval_timeout),
    maxAnswerMs: ms(llm.max_answer_time),
    maxTurnMs: ms(service.max_turn_time),
    queueLength: service.queue_length,
    attempts: llm.retry.attempts,
    retryBudgetMs: ms(llm.retry.budget),
    budgets: budgetsOf(service.budget),
    recovery: {
      mode: service.recovery.mode,
      attempts: service.recovery.attempts,
      maxAgeMs: ms(service.recovery.max_age),
    },
  };
}

function budgetsOf(budget: Config['chat']['service']['budget']) {
  return {
    turn: { tokens: budget.turn_tokens || null, cost: budget.turn_cost || null },
    conversation: { tokens: budget.conversation_tokens || null, cost: budget.conversation_cost || null },
  };
}

/** Limits of the registry: crashes of a conversation, and the time of a drain in ms. */
export function registryLimits({ chat, shutdown }: Config) {
  return {
    crashes: chat.service.crash_budget.crashes,
    crashWindowMs: ms(chat.service.crash_budget.window),
    drainTimeoutMs: ms(shutdown.drain_timeout),
  };
}

/** Where the server listens, and the limits of every socket. */
export function listeningOptions({ chat: { websocket } }: Config) {
  return {
    host: websocket.host,
    port: websocket.port,
    endpoint: websocket.endpoint,
    maxMessageBytes: websocket.max_message_size,
    handshakeTimeoutMs: ms(websocket.handshake_timeout),
    pingIntervalMs: ms(websocket.ping_interval),
    pingTimeoutMs: ms(websocket.ping_timeout),
  };
}

/** Limits on accepted connections. */
export function admissionLimits({ auth, chat }: Config) {
  return {
    maxConnections: chat.websocket.max_connections,
    maxConnectionsPerAddress: chat.websocket.max_connections_per_address,
    // Without auth all sockets belong to one subject.
    maxConnectionsPerSubject: auth.mode === 'none' ? Infinity : chat.websocket.max_connections_per_subject,
    maxUnverifiedBytes: auth.max_unverified_bytes,
  };
}

/** Which requests are served, by their host, their origin and their proxies. */
export function accessOptions({ auth, chat }: Config) {
  const { host, allowed_hosts: allowedHosts, allow_origins: allowOrigins } = chat.websocket;
  return { allowedHosts, allowOrigins, tokenRequired: auth.mode !== 'none', onLoopback: isLoopback(host) };
}

/** Limits of one socket, in bytes and frames. */
export function readLimits({ chat: { websocket } }: Config) {
  return {
    maxReadsPerSocket: websocket.max_reads_per_socket,
    maxReadsPerSubject: websocket.max_reads_per_subject,
    maxWaitingReads: websocket.max_waiting_reads,
    stallMs: ms(websocket.ping_timeout),
  };
}

/** How many frames one socket may send. */
export function frameLimits({ chat }: Pick<Config, 'chat'>) {
  return { framesPerSecond: chat.websocket.frames_per_second, frameBurst: chat.websocket.frame_burst };
}

/** What the server keeps of one socket before it closes it. */
export function sessionLimits({ chat }: Config) {
  return {
    maxBufferedBytes: chat.websocket.max_buffered_bytes,
    maxBadFrames: chat.websocket.max_bad_frames,
  };
}

/**
 * Whether viewers see content. `auto` is true only if a viewer must be on this machine and can read the database as well:
 * no token, a loopback listener, and no key that admits other machines.
 */
export function includesContent({ auth, chat, inspect }: Config): boolean {
  if (inspect.include_content !== 'auto') return inspect.include_content;
  const { host, allowed_hosts: proxied } = chat.websocket;
  return (
    auth.mode === 'none' &&
    !auth.allow_anonymous_beyond_loopback &&
    !inspect.beyond_loopback &&
    proxied.length === 0 &&
    isLoopback(host)
  );
}

/** Limits of the events that viewers get. */
export function inspectionLimits(config: Config) {
  const { inspect } = config;
  return {
    maxConversations: inspect.max_conversations,
    maxMessages: inspect.max_events,
    keepAfterLastViewerMs: ms(inspect.keep_after_last_viewer),
    limits: { includeContent: includesContent(config), maxChars: inspect.max_event_chars },
  };
}

/** Characters of a copy beyond its limit: names, times, quotes. */
const MESSAGE_OVERHEAD_CHARS = 1000;

/** Limits of the sockets of viewers. All kept events, each with its context, may be in flight at once. */
export function viewerLimits({ inspect, chat }: Config) {
  return {
    maxViewers: inspect.max_viewers,
    maxBufferedBytes: 2 * inspect.max_events * (2 * inspect.max_event_chars + MESSAGE_OVERHEAD_CHARS),
    frames: frameLimits({ chat }),
    pingIntervalMs: ms(chat.websocket.ping_interval),
    pingTimeoutMs: ms(chat.websocket.ping_timeout),
  };
}

/** Which clients may inspect. */
export function visitorRules({ auth, inspect }: Config) {
  return { viewers: auth.mode === 'none' ? null : new Set(inspect.viewers), beyondLoopback: inspect.beyond_loopback };
}

/** Settings of the store. `memory`: nothing is kept after the process. */
export function storeOptions({ repository }: Config) {
  return {
    path: repository.path,
    memory: !repository.persistence.enabled,
    synchronous: repository.synchronous === 'full' ? 'FULL' : 'NORMAL',
    clearOnStartup: repository.persistence.clear_on_startup,
    maxWaiting: repository.max_queued_writes,
    retention: retentionOf(repository.persistence),
  } as const;
}

function retentionOf(persistence: Config['repository']['persistence']) {
  switch (persistence.retention_policy) {
    case 'token_limit':
      return { policy: 'token_limit', maxTokens: persistence.max_tokens_per_conversation } as const;
    case 'message_count':
      return { policy: 'message_count', maxMessages: persistence.max_messages_per_conversation } as const;
    case 'time_based':
      return { policy: 'time_based', days: persistence.retention_days } as const;
    case 'unlimited':
      return { policy: 'unlimited' } as const;
  }
}
