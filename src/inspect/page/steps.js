/**
 * Builds the list of steps from the messages of live inspection (src/inspect/stately-format.ts). Each step has the state of
 * every actor after it. Pure: uses no elements and no socket.
 */

/**
 * @typedef {{ type: string, sessionId: string, rootId: string, id: string, createdAt: string, name?: string,
 *   parentId?: string, definition?: string, sourceId?: string, event?: { type: string }, transitions?: string[],
 *   snapshot?: { status: string, value?: unknown, context?: unknown } }} Message
 *
 * An actor after a step. `machine` is the id of its chart, null for other actors; `state` is a dotted path.
 * @typedef {{ id: string, name: string, machine: string | null, parentId: string | undefined, state: string,
 *   status: string, context: unknown, transitions: readonly string[] }} ActorView
 *
 * `label` is the event's type. `actors` holds all actors by id; steps that change none share the map. `seq` is set if the
 * step shows a row of the log. `commit` is set if it is the live commit of rows from that seq on.
 * @typedef {{ key: string, atMs: number, kind: 'birth' | 'event' | 'break' | 'row', actorId: string, label: string, from: string | null,
 *   event: unknown, actors: ReadonlyMap<string, ActorView>, seq: number | null, commit: number | null }} Step
 */

/** Most steps. Beyond that the oldest quarter is dropped. */
const MOST_STEPS = 4000;
/** Most remembered messages. A server repeats at most a third as many after a reconnect. */
const MOST_KNOWN = 30_000;
/** Most ended actors that are still shown, the newest. */
const MOST_ENDED = 60;

/** Creates an empty list. Messages that came already are ignored. */
export function createStepList() {
  /** @type {Step[]} */
  let steps = [];
  /** @type {ReadonlyMap<string, ActorView>} */
  let actors = new Map();
  /** Keys of received messages: a reconnect repeats some. @type {Set<string>} */
  const known = new Set();
  /** The live actor of the conversation was received. */
  let hasLive = false;
  /** Senders of the events that actors are processing. @type {Map<string, string>} */
  const senders = new Map();

  /** @param {Step} step */
  const push = (step) => {
    steps.push(step);
    if (steps.length > MOST_STEPS) steps = steps.slice(MOST_STEPS / 4);
  };
  /** @param {ActorView} actor */
  const put = (actor) => {
    const next = new Map(actors);
    next.delete(actor.id);
    next.set(actor.id, actor);
    const ended = [...next.values()].filter(({ status }) => status !== 'active');
    for (const { id } of ended.slice(0, Math.max(0, ended.length - MOST_ENDED))) next.delete(id);
    actors = next;
  };

  /**
   * Adds a row that was committed while the conversation was followed live. It changes no actor. It goes after the previous
   * row and before the commit that reported it. If that commit was not received, its time decides.
   * @param {import('./record.js').Row} row @param {string} rootId of the replay
   */
  const insertRow = (row, rootId) => {
    if (steps.some(({ seq }) => seq === row.seq)) return;
    const commit = steps.findLastIndex((step) => step.commit !== null && step.commit <= row.seq);
    const isReported = commit >= 0 && row.at_ms <= (steps[commit]?.atMs ?? 0);
    const byTime = isReported ? commit : steps.findLastIndex(({ atMs }) => atMs <= row.at_ms) + 1;
    const at = Math.max(byTime, steps.findLastIndex(({ seq }) => seq !== null && seq < row.seq) + 1);
    const before = steps[at - 1];
    const step = {
      key: rowKey(rootId, row.seq),
      atMs: row.at_ms,
      kind: /** @type {const} */ ('row'),
      actorId: conversationIn(before?.actors ?? new Map())?.id ?? '',
      label: row.type,
      from: null,
      event: row,
      actors: before?.actors ?? new Map(),
      seq: row.seq,
      commit: null,
    };
    steps = steps.toSpliced(at, 0, step);
    if (steps.length > MOST_STEPS) steps = steps.slice(MOST_STEPS / 4);
  };

  return {
    /** Returns false for a repeated message. @param {Message} message */
    add(message) {
      const messageKey = `${message.rootId} ${message.id}`;
      const seq = rowOf(message);
      // A row has the same key when it is replayed and when it is committed live, because links contain it.
      const key = seq === null ? messageKey : rowKey(message.rootId, seq);
      if (known.has(messageKey)) return false;
      known.add(messageKey);
      if (known.size > MOST_KNOWN) for (const oldest of known.keys().take(1)) known.delete(oldest);
      const { sessionId, snapshot } = message;
      const before = actors.get(sessionId);
      const atMs = Number(message.createdAt);
      if (message.type === '@xstate.event') {
        if (message.sourceId) senders.set(sessionId, message.sourceId);
        return true;
      }
      if (message.type === '@xstate.actor') {
        const name = message.name ?? sessionId;
        const machine = machineOf(message.definition);
        put({ id: sessionId, name, machine, parentId: message.parentId, ...viewOf(snapshot), transitions: [] });
        // An actor without a chart gets no step; only the events that it sends are shown.
        if (machine === null) return true;
        // Servers live as long as the process, so a server's actor message is no step unless it is the first.
        const last = steps.at(-1);
        if (machine === 'mcpServer' && last) {
          steps = [...steps.slice(0, -1), { ...last, actors }];
          return true;
        }
        const isSeam =
          machine === 'conversation' &&
          !hasLive &&
          !message.rootId.startsWith('log/') &&
          steps.some((step) => step.seq !== null);
        hasLive ||= machine === 'conversation' && !message.rootId.startsWith('log/');
        push({
          key,
          atMs,
          kind: 'birth',
          actorId: sessionId,
          label: isSeam ? 'live from here' : 'begins',
          from: null,
          event: null,
          actors,
          seq: null,
          commit: null,
        });
        return true;
      }
      if (!before) return true;
      const view = viewOf(snapshot);
      // The transitions that led to a state stay marked while the state lasts.
      const transitions = view.state === before.state ? before.transitions : (message.transitions ?? []);
      put({ ...before, ...view, transitions });
      if (before.machine === null) return true;
      const sender = senders.get(sessionId);
      push({
        key,
        atMs,
        kind: 'event',
        actorId: sessionId,
        label: message.event?.type ?? '',
        from: sender === undefined ? null : (actors.get(sender)?.name ?? null),
        event: message.event ?? null,
        actors,
        seq,
        commit: commitOf(message),
      });
      senders.delete(sessionId);
      return true;
    },
    /** Marks a gap in the events, such as a lost connection. @param {string} label @param {number} atMs */
    breakAt(label, atMs) {
      push({
        key: `break ${atMs}`,
        atMs,
        kind: 'break',
        actorId: '',
        label,
        from: null,
        event: null,
        actors,
        seq: null,
        commit: null,
      });
    },
    insertRow,
    steps: () => steps,
    clear() {
      steps = [];
      actors = new Map();
      known.clear();
      hasLive = false;
      senders.clear();
    },
  };
}

/** The conversation's own actor; the newest if it was restarted. @param {ReadonlyMap<string, ActorView>} actors */
export function conversationIn(actors) {
  return (
    [...actors.values()].findLast(({ machine, parentId }) => machine === 'conversation' && parentId === undefined) ??
    null
  );
}

/** The other actors with a chart: servers first, then calls, the newest last. @param {ReadonlyMap<string, ActorView>} actors */
export function othersIn(actors) {
  const root = conversationIn(actors);
  const all = [...actors.values()].filter(({ machine }) => machine !== null && machine !== 'conversation');
  return [
    ...all.filter(({ parentId }) => parentId === undefined),
    ...all.filter(({ parentId }) => parentId !== undefined && parentId === root?.id),
  ];
}

/** The title of an actor. A server's name is `mcp:name`; a call has its tool's name once it has started. @param {ActorView} actor */
export function actorTitle({ name, machine, context }) {
  if (machine === 'mcpServer') return `MCP server ${name.replace(/^mcp:/, '')}`;
  if (machine !== 'toolCall') return name;
  const tool = typeof context === 'object' && context !== null && 'tool' in context ? context.tool : null;
  return typeof tool === 'object' && tool !== null && 'name' in tool ? `call of ${tool.name}` : `call ${name}`;
}

/** `{ turn: { toolHop: 'running' } }` as `turn.toolHop.running`. @param {unknown} value @returns {string} */
export function dotted(value) {
  if (typeof value !== 'object' || value === null) return String(value ?? '');
  return Object.entries(value)
    .map(([state, below]) => `${state}.${dotted(below)}`)
    .join(' ');
}

/** @param {Message['snapshot']} snapshot */
function viewOf(snapshot) {
  return { state: dotted(snapshot?.value), status: snapshot?.status ?? 'active', context: snapshot?.context ?? null };
}

/** @param {string} rootId @param {number} seq */
export const rowKey = (rootId, seq) => `${rootId} ${seq}.0`;

/** The seq of the row that a replayed message of the conversation shows; null for other messages. @param {Message} message */
function rowOf({ type, rootId, sessionId, event }) {
  const seq =
    type === '@xstate.snapshot' && rootId.startsWith('log/') && sessionId === rootId && event && 'seq' in event
      ? event.seq
      : null;
  return typeof seq === 'number' ? seq : null;
}

/** The first seq of the rows whose commit a live message reports; null for other messages. @param {Message} message */
export function commitOf({ rootId, event }) {
  if (rootId.startsWith('log/') || event?.type !== 'log.committed' || !('outcome' in event)) return null;
  const { outcome } = event;
  const seq = typeof outcome === 'object' && outcome !== null && 'seq' in outcome ? outcome.seq : null;
  return typeof seq === 'number' ? seq : null;
}

/** @param {string | undefined} definition @returns {string | null} */
function machineOf(definition) {
  /** @type {{ id?: string, states?: object }} */
  const { id, states } = JSON.parse(definition ?? '{}');
  return states === undefined ? null : (id ?? null);
}
