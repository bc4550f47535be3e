/**
 * From the user's settings to what each part is told: seconds become milliseconds, keys become names in code.
 * Decides nothing; every number is the configuration's. Each is called again at a reload (live-settings.ts).
 */
import { isLoopback } from '../loopback.ts';
import type { Sample } from '../mcp/server-requests/sampling.ts';
import type { Config } from './schema/schema.ts';

/** Durations in the configuration are seconds unless the key says otherwise. */
export const ms = (seconds: number) => Math.round(seconds * 1000);

/** What the language model is made of, beside keys and the demo. */
export function modelOptions({ llm }: Config) {
  return {
    active: llm.active,
    fallback: llm.fallback,
    connectTimeoutMs: ms(llm.connect_timeout),
    firstByteTimeoutMs: ms(llm.first_byte_timeout),
    stallTimeoutMs: ms(llm.stall_timeout),
    queueTimeoutMs: ms(llm.queue_timeout),
    providers: llm.providers,
  };
}

export function circuitLimits({ llm: { circuit } }: Config) {
  return { failures: circuit.failures, cooldownMs: ms(circuit.cooldown) };
}

/** What of a conversation a model is shown, in tokens and messages. */
export function windowLimits({
  chat: {
    service: { context },
  },
}: Config) {
  return { budgetTokens: context.max_tokens - context.reserve_tokens, preserveRecent: context.preserve_recent };
}

export function warmLimits({ chat: { service } }: Config) {
  return {
    maxBytes: service.log_cache_bytes,
    windowTokens: service.context.max_tokens - service.context.reserve_tokens,
    preserveRecent: service.context.preserve_recent,
  };
}

/** What a frame may hold. */
export function decoderLimits({ chat }: Config) {
  return { maxTextLength: chat.service.max_text_length, maxDepth: chat.websocket.max_json_depth };
}

export function toolboxLimits({ mcp, chat }: Config) {
  const { connection, limits } = mcp;
  return {
    connectionTimeoutMs: ms(connection.connection_timeout),
    initialBackoffMs: ms(connection.initial_reconnect_delay),
    maxBackoffMs: ms(connection.max_reconnect_delay),
    maxReconnectAttempts: connection.max_reconnect_attempts,
    failedRetryMs: ms(connection.failed_retry_delay),
    healthIntervalMs: ms(connection.health_interval),
    authorizationTimeoutMs: ms(mcp.authorization.timeout),
    pingTimeoutMs: ms(connection.ping_timeout),
    closeGraceMs: ms(connection.close_grace),
    maxMessageBytes: limits.max_message_size,
    maxDescriptionChars: limits.max_description_length,
    maxSchemaBytes: limits.max_schema_size,
    maxTools: limits.max_tools,
    maxConcurrent: limits.max_concurrent,
    requestTimeoutMs: ms(connection.request_timeout),
    maxListed: limits.max_listed,
    maxQuestions: limits.max_questions,
    maxQuestionBytes: limits.max_question_size,
    maxResultTokens: chat.service.tools.max_result_tokens,
  };
}

export function authorizerOptions({ mcp }: Config) {
  const { credentials_file, callback_port, callback_url, client_metadata_url } = mcp.authorization;
  return {
    credentialsFile: credentials_file,
    callbackPort: callback_port,
    callbackUrl: callback_url,
    clientMetadataUrl: client_metadata_url,
  };
}

/** What of the servers' resources goes into the system prompt. */
export function promptResources({ mcp }: Config) {
  const { max_listed, contents, timeout } = mcp.resources_in_prompt;
  return { mostNamed: max_listed, contents, waitMs: ms(timeout) };
}

/** What MCP servers are answered that ask. */
export function hostAnswers({ mcp }: Config, sample: Sample) {
  const { permission, max_tokens: maxTokens, requests_per_call: requestsPerCall } = mcp.sampling;
  return { roots: mcp.roots, sampling: { permission, maxTokens, requestsPerCall, sample } };
}

/** What the configuration says of tools by name, and of those that it does not name by what their servers say. */
export function toolPolicy({ chat }: Config) {
  const { repeat, permission, permission_by_hint: permissionByHint } = chat.service.tools;
  return { repeat, permission, permissionByHint };
}

/** Servers and tools that the configuration names, by the key that names them. */
export function configuredNames({ chat, mcp }: Config) {
  const { repeat, permission } = chat.service.tools;
  return [
    { key: 'chat.service.tools.permission', names: Object.keys(permission) },
    { key: 'chat.service.tools.repeat', names: Object.keys(repeat) },
    { key: 'mcp.resources_in_prompt.contents', names: mcp.resources_in_prompt.contents.map(({ server }) => server) },
  ];
}

/** What a turn may cost, beside the providers it may ask. */
export function conversationLimits({ chat, llm }: Config) {
  const { service } = chat;
  return {
    maxToolHops: service.max_tool_hops,
    toolConcurrency: service.tools.max_concurrent,
    toolTimeoutMs: ms(service.tools.timeout),
    toolMaxTimeoutMs: ms(service.tools.max_timeout),
    approvalTimeoutMs: ms(service.tools.approval_timeout),
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

export function registryLimits({ chat, shutdown }: Config) {
  return {
    crashes: chat.service.crash_budget.crashes,
    crashWindowMs: ms(chat.service.crash_budget.window),
    drainTimeoutMs: ms(shutdown.drain_timeout),
  };
}

/** Where the server listens, and what holds for every socket there. */
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

/** Whom the gateway lets in. */
export function admissionLimits({ auth, chat }: Config) {
  return {
    maxConnections: chat.websocket.max_connections,
    maxConnectionsPerAddress: chat.websocket.max_connections_per_address,
    // Without auth all sockets are one subject's.
    maxConnectionsPerSubject: auth.mode === 'none' ? Infinity : chat.websocket.max_connections_per_subject,
    maxUnverifiedBytes: auth.max_unverified_bytes,
  };
}

/** From where requests are served, by their host, their page and their way here. */
export function accessOptions({ auth, chat }: Config) {
  const { host, allowed_hosts: allowedHosts, allow_origins: allowOrigins } = chat.websocket;
  return { allowedHosts, allowOrigins, tokenRequired: auth.mode !== 'none', onLoopback: isLoopback(host) };
}

export function sessionLimits({ chat }: Config) {
  return {
    maxBufferedBytes: chat.websocket.max_buffered_bytes,
    framesPerSecond: chat.websocket.frames_per_second,
    frameBurst: chat.websocket.frame_burst,
    maxBadFrames: chat.websocket.max_bad_frames,
  };
}

/**
 * Whether viewers see texts. `auto` is true only where a viewer is the person at this machine, who can read the
 * database as well: no token, a loopback listener, and no key that admits others.
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

/** How much of running conversations is told to viewers, and to how many. */
export function inspectionLimits(config: Config) {
  const { inspect } = config;
  return {
    maxConversations: inspect.max_conversations,
    maxMessages: inspect.max_events,
    lingerMs: ms(inspect.keep_after_last_viewer),
    limits: { texts: includesContent(config), maxChars: inspect.max_event_chars },
  };
}

/** What one copy may be longer by than its limit: names, times, quotes. */
const MESSAGE_OVERHEAD_CHARS = 1000;

/** The sockets of viewers. All that is kept for one, event and context each, may be on its way at once. */
export function viewerLimits({ inspect, chat }: Config) {
  return {
    maxViewers: inspect.max_viewers,
    maxBufferedBytes: 2 * inspect.max_events * (2 * inspect.max_event_chars + MESSAGE_OVERHEAD_CHARS),
    pingIntervalMs: ms(chat.websocket.ping_interval),
    pingTimeoutMs: ms(chat.websocket.ping_timeout),
  };
}

/** Whom the inspection pages and sockets let in. */
export function visitorRules({ auth, inspect }: Config) {
  return { viewers: auth.mode === 'none' ? null : new Set(inspect.viewers), beyondLoopback: inspect.beyond_loopback };
}

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
