/**
 * Computes how a turn spent its time: model calls, tools, waits for people, queues, commits. It uses the rows of the log
 * and, if the turn was followed live, the states of its chart. Pure: uses no elements.
 */

/**
 * An open span has no end yet. `seq` is the row that a click chooses.
 * @typedef {'model' | 'tool' | 'wait' | 'queue' | 'context' | 'commit'} Kind
 * @typedef {{ kind: Kind, label: string, startMs: number, endMs: number | null, firstTokenMs: number | null, seq: number, hop: number | null,
 *   outcome: string | null, row: Row | null }} Span
 * @typedef {{ requestId: string, startMs: number, endMs: number | null, outcome: string | null, seq: number, text: string | null, spans: Span[],
 *   calls: number, tools: number, promptTokens: number, cachedTokens: number, completionTokens: number, cost: number | null }} Turn
 * @typedef {import('./record.js').Row} Row
 * @typedef {{ kind: Kind, label: string, startMs: number, endMs: number | null }} Phase a state of the chart that was followed live
 */

/** States of the chart with their own span; rows show the other times. @type {Readonly<Record<string, [Kind, string]>>} */
export const PHASES = {
  'turn.receiving': ['commit', 'commit of the message'],
  'turn.queued': ['queue', 'queue for a turn'],
  'turn.loadingContext': ['context', 'context'],
  'turn.timingOut': ['queue', 'stopping: out of time'],
  'turn.backingOff': ['queue', 'wait before a retry'],
  'turn.toolHop.recording': ['commit', 'commit of the calls'],
  'turn.persisting': ['commit', 'commit of the answer'],
};
/** Smallest gap that becomes a span, in ms: rows have whole ms. */
const LEAST_GAP_MS = 2;

/** The phases that were followed live. @param {readonly import('./steps.js').Step[]} steps @returns {Phase[]} */
export function phasesOf(steps) {
  /** @type {Phase[]} */
  const phases = [];
  /** @type {Phase | null} */
  let open = null;
  let before = '';
  for (const { kind, actorId, actors, atMs } of steps) {
    const actor = actors.get(actorId);
    if (
      kind === 'row' ||
      kind === 'break' ||
      !actor ||
      actor.machine !== 'conversation' ||
      actorId.startsWith('log/') ||
      actor.state === before
    )
      continue;
    before = actor.state;
    if (open) open.endMs = atMs;
    const known = PHASES[actor.state];
    open = known ? { kind: known[0], label: known[1], startMs: atMs, endMs: null } : null;
    if (open) phases.push(open);
  }
  return phases;
}

/** All turns, the oldest first. @param {readonly Row[]} rows in the order of the log @param {readonly Phase[]} phases @returns {Turn[]} */
export function turnsOf(rows, phases) {
  /** @type {Map<string, { turn: Turn, lastMs: number, waits: Map<string, Span>, tools: Map<string, Span>, sawModel: boolean }>} */
  const open = new Map();
  for (const row of rows) {
    if (row.request_id === null) continue;
    const id = row.request_id;
    const known = open.get(id) ?? begin(id, row);
    open.set(id, known);
    take(known, row);
  }
  return [...open.values()].map(({ turn, waits, tools, sawModel, lastMs }) => {
    const isWorking = waits.size > 0 || tools.size > 0;
    // After the message, and after tool results, the next span is a model call.
    if (turn.endMs === null && !isWorking)
      turn.spans.push(span('model', sawModel ? 'next model call' : 'queue, or model call', lastMs, null, turn.seq));
    return withPhases(turn, phases);
  });
}

/** @param {string} requestId @param {Row} row */
function begin(requestId, row) {
  /** @type {Turn} */
  const turn = {
    requestId,
    startMs: row.at_ms,
    endMs: null,
    outcome: null,
    seq: row.seq,
    text: row.text,
    spans: [],
    calls: 0,
    tools: 0,
    promptTokens: 0,
    cachedTokens: 0,
    completionTokens: 0,
    cost: null,
  };
  /** @type {Map<string, Span>} */
  const waits = new Map();
  /** @type {Map<string, Span>} */
  const tools = new Map();
  return { turn, lastMs: row.at_ms, waits, tools, sawModel: false };
}

/** @param {ReturnType<typeof begin>} known @param {Row} row */
function take(known, row) {
  const { turn, waits, tools } = known;
  const call = row.call_id ?? '';
  turn.promptTokens += row.prompt_tokens ?? 0;
  turn.cachedTokens += row.cached_tokens ?? 0;
  turn.completionTokens += row.completion_tokens ?? 0;
  if (row.cost !== null) turn.cost = (turn.cost ?? 0) + row.cost;
  switch (row.type) {
    case 'assistant_message': {
      // A notice of the server itself, such as for the hop limit, is not a model call.
      if (row.duration_ms === null && row.model === null) break;
      const startMs = row.duration_ms === null ? known.lastMs : Math.max(known.lastMs, row.at_ms - row.duration_ms);
      gap(
        turn,
        known.lastMs,
        startMs,
        known.sawModel ? 'context' : 'queue',
        known.sawModel ? 'commit and context' : 'commit, queue and context',
        row.seq,
      );
      const firstTokenMs = row.first_token_ms === null ? null : startMs + row.first_token_ms;
      turn.spans.push({
        ...span('model', row.model ?? 'model', startMs, row.at_ms, row.seq),
        firstTokenMs,
        hop: row.hop,
        outcome: row.outcome,
        row,
      });
      turn.calls += 1;
      known.sawModel = true;
      break;
    }
    case 'approval_request':
    case 'elicitation_request':
    case 'sampling_request': {
      const wait = {
        ...span(
          'wait',
          `${row.type === 'approval_request' ? 'approval of' : 'request of'} ${row.name ?? 'a call'}`,
          row.at_ms,
          null,
          row.seq,
        ),
        row,
      };
      waits.set(call, wait);
      turn.spans.push(wait);
      break;
    }
    case 'response':
      close(waits, call, row);
      break;
    case 'tool_call': {
      const made = { ...span('tool', toolLabel(row), row.at_ms, null, row.seq), hop: row.hop, row };
      tools.set(call, made);
      turn.spans.push(made);
      turn.tools += 1;
      break;
    }
    case 'tool_result': {
      close(waits, call, row);
      const made = tools.get(call);
      if (made && row.duration_ms !== null) {
        const startMs = Math.max(made.startMs, row.at_ms - row.duration_ms);
        // A suspended call runs in parts; its duration is the sum.
        if (!turn.spans.some(({ kind, endMs }) => kind === 'wait' && endMs !== null && endMs > made.startMs)) {
          gap(turn, made.startMs, startMs, 'commit', `commit and queue of ${made.label}`, made.seq);
          made.startMs = startMs;
        }
      }
      if (made) close(tools, call, row);
      else
        turn.spans.push({ ...span('tool', toolLabel(row), row.at_ms, row.at_ms, row.seq), outcome: row.outcome, row });
      break;
    }
    case 'turn_end':
      for (const each of [...waits.values(), ...tools.values()]) each.endMs ??= row.at_ms;
      waits.clear();
      tools.clear();
      turn.endMs = row.at_ms;
      turn.outcome = row.outcome;
      break;
  }
  if (row.type !== 'user_message' || known.turn.seq === row.seq) known.lastMs = Math.max(known.lastMs, row.at_ms);
}

/** @param {Map<string, Span>} spans @param {string} call @param {Row} row the row that ends the span */
function close(spans, call, row) {
  const found = spans.get(call);
  if (!found) return;
  found.endMs = row.at_ms;
  found.outcome = row.outcome;
  if (found.kind === 'tool') found.row = row;
  spans.delete(call);
}

/** Replaces spans that were guessed from rows by the phases that were followed live. @param {Turn} turn @param {readonly Phase[]} phases @returns {Turn} */
function withPhases(turn, phases) {
  const end = turn.endMs ?? Infinity;
  const own = phases.filter(
    ({ startMs, endMs }) =>
      startMs <= end + 1 && (endMs ?? Infinity) > turn.startMs && (endMs === null || endMs - startMs >= 0),
  );
  if (own.length === 0) return { ...turn, spans: sorted(turn.spans) };
  const isSeen = (/** @type {Span} */ { kind, row, startMs, endMs }) =>
    row === null &&
    kind !== 'tool' &&
    kind !== 'wait' &&
    own.some((phase) => phase.startMs < (endMs ?? Infinity) && (phase.endMs ?? Infinity) > startMs);
  const isOpen = own.some(({ endMs }) => endMs === null);
  const kept = turn.spans.filter((each) => !isSeen(each) || (each.kind === 'model' && !isOpen));
  const seen = own.map(({ kind, label, startMs, endMs }) => span(kind, label, startMs, endMs, turn.seq));
  return {
    ...turn,
    startMs: Math.min(turn.startMs, ...seen.map(({ startMs }) => startMs)),
    endMs: turn.endMs === null ? null : Math.max(turn.endMs, ...seen.map(({ endMs }) => endMs ?? 0)),
    spans: sorted([...kept, ...seen]),
  };
}

/** @param {readonly Span[]} spans */
const sorted = (spans) => spans.toSorted((one, other) => one.startMs - other.startMs || one.seq - other.seq);

/** @param {Turn} turn @param {number} startMs @param {number} endMs @param {Kind} kind @param {string} label @param {number} seq */
function gap(turn, startMs, endMs, kind, label, seq) {
  if (endMs - startMs >= LEAST_GAP_MS) turn.spans.push(span(kind, label, startMs, endMs, seq));
}

/** @param {Kind} kind @param {string} label @param {number} startMs @param {number | null} endMs @param {number} seq @returns {Span} */
function span(kind, label, startMs, endMs, seq) {
  return { kind, label, startMs, endMs, firstTokenMs: null, seq, hop: null, outcome: null, row: null };
}

/** @param {Row} row */
const toolLabel = ({ name, server }) => `${name ?? 'tool'}${server === null ? '' : ` (${server})`}`;

/** The longest span, waits for people excluded. Null if none took time. @param {Turn} turn @param {number} nowMs */
export function slowestOf({ spans }, nowMs) {
  const took = (/** @type {Span} */ { startMs, endMs }) => (endMs ?? nowMs) - startMs;
  return spans
    .filter(({ kind }) => kind !== 'wait')
    .reduce((/** @type {Span | null} */ most, each) => (took(each) > (most ? took(most) : 0) ? each : most), null);
}
