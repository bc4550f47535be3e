/**
 * Shows the chosen event. For a row of the log it reads the whole row, and shows texts as text and arguments as JSON. For
 * other events it shows the received event and the context after it.
 */
import { byId, element } from './element.js';
import { actorTitle } from './steps.js';
import { clock, duration } from './times.js';

/** Most rows in the cache: going back and forth needs no request. */
const MOST_KEPT = 100;

/**
 * @typedef {import('./steps.js').Step} Step
 * @typedef {{ type: string, content: string | null, tool_calls: { function?: { name?: string, arguments?: string } }[] | null, extra: Record<string, unknown> | null,
 *   model: string | null, usage: Record<string, unknown> | null, request_id: string | null, tool_call_id: string | null }} WholeRow
 */

/** @param {{ readable(type: string): string, readRow(seq: number): Promise<WholeRow | null> }} given */
export function createDetail({ readable, readRow }) {
  const detail = byId('detail', HTMLDivElement);
  /** @type {Map<number, WholeRow | null>} */
  const kept = new Map();
  /** Key of the shown step and of its shown parts. */
  let shown = '';

  /** @param {Step | null} step @param {WholeRow | null} row */
  const render = (step, row) => {
    const actor = step?.actors.get(step.actorId);
    detail.hidden = step === null || step.kind === 'break' || (step.seq === null && !actor);
    if (step === null || detail.hidden) return;
    const head = [
      element('h3', {}, readable(step.label)),
      element(
        'p',
        { class: 'note' },
        `${step.seq === null ? (actor ? actorTitle(actor) : '') : `row ${step.seq} of the log`}${step.from === null ? '' : `, from ${step.from}`}, ${clock(step.atMs)}`,
      ),
    ];
    const isOpen = (/** @type {string} */ title, /** @type {boolean} */ otherwise) =>
      [...detail.querySelectorAll('details')].find((each) => each.dataset['title'] === title)?.open ?? otherwise;
    const section = (/** @type {string} */ title, /** @type {unknown} */ value, /** @type {boolean} */ open) =>
      element(
        'details',
        { 'data-title': title, ...(isOpen(title, open) ? { open: '' } : {}) },
        element('summary', {}, title),
        element('pre', {}, typeof value === 'string' ? value : JSON.stringify(value, null, 2)),
      );
    /** @type {[title: string, value: unknown, open: boolean][]} */
    const parts =
      row !== null
        ? partsOf(row)
        : step.seq !== null
          ? [['Row', step.event, true]]
          : [
              ['Event', step.event, true],
              ['Context after it', actor?.context, false],
            ];
    if (row !== null && step.kind !== 'row') parts.push(['Context after it', actor?.context, false]);
    detail.replaceChildren(
      ...head,
      ...parts
        .filter(([, value]) => value !== null && value !== undefined && value !== '')
        .map((part) => section(...part)),
    );
  };

  return {
    /** @param {Step | null} step */
    show(step) {
      const seq = step?.seq ?? null;
      const row = seq === null ? null : (kept.get(seq) ?? null);
      const key = `${step?.key} ${row !== null} ${step?.actors.size}`;
      if (key === shown) return;
      shown = key;
      render(step, row);
      if (seq === null || row !== null || kept.has(seq)) return;
      kept.set(seq, null);
      readRow(seq).then(
        (found) => {
          kept.set(seq, found);
          if (kept.size > MOST_KEPT) for (const oldest of kept.keys().take(1)) kept.delete(oldest);
          if (found && shown === key) render(step, found);
        },
        () => kept.delete(seq),
      );
    },
    begin() {
      kept.clear();
      shown = '';
    },
  };
}

/** Splits a row into readable parts. @param {WholeRow} row @returns {[title: string, value: unknown, open: boolean][]} */
function partsOf(row) {
  const { content, tool_calls: calls, extra, usage, type } = row;
  const { reasoning, whole, duration_ms: took, first_token_ms: first, ...facts } = extra ?? {};
  const times =
    typeof took !== 'number'
      ? null
      : `${duration(took)}${typeof first === 'number' ? `, first token after ${duration(first)}` : ''}`;
  return [
    ['Reasoning', reasoning, false],
    [TITLES.get(type) ?? 'Text', prettied(content), true],
    ...(Array.isArray(calls) ? calls : []).map(
      ({ function: made }) =>
        /** @type {[string, unknown, boolean]} */ ([
          `Calls ${made?.name ?? 'a tool'}`,
          prettied(made?.arguments ?? null),
          true,
        ]),
    ),
    ['Arguments', facts['arguments'], true],
    ['Took', times, true],
    ['Usage', usage, false],
    ['Whole result from the server', whole, false],
    ['Facts', { request_id: row.request_id, call_id: row.tool_call_id, model: row.model, ...facts }, type === 'meta'],
  ];
}

/** Titles of a row's text, by the row's type. */
const TITLES = new Map([
  ['user_message', 'Message'],
  ['assistant_message', 'Answer'],
  ['tool_call', 'Arguments'],
  ['tool_result', 'Result'],
]);

/** Indents a text that is JSON. @param {unknown} text */
function prettied(text) {
  if (typeof text !== 'string' || !/^\s*[[{]/.test(text)) return text;
  try {
    return JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    return text;
  }
}
