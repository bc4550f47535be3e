/**
 * Shows the timeline: for each turn, the newest first, bars of the time that it took. The pointer or the focus on a bar
 * shows its numbers; a click chooses its event.
 */
import { phasesOf, slowestOf, turnsOf } from './bars.js';
import { scaleOf } from './time-scale.js';
import { byId, element } from './element.js';
import { clock, duration } from './times.js';

/** @typedef {import('./bars.js').Span} Span @typedef {import('./bars.js').Turn} Turn */

/** Turns that are shown at first, and that "Earlier turns" adds. */
const STEP = 20;
/** Interval between updates of a running turn. */
const TICK_MS = 250;
const KINDS = { model: 'Model', tool: 'Tool', wait: 'Person', queue: 'Queue', context: 'Context', commit: 'Commit' };

/**
 * @param {{ rows(): readonly import('./record.js').Row[], steps(): readonly import('./steps.js').Step[], hasEarlier(): boolean,
 *   onEarlier(): void, onPick(seq: number): void }} given
 */
export function createTrace({ rows, steps, hasEarlier, onEarlier, onPick }) {
  const place = byId('trace', HTMLElement);
  const [list, legend, numbers] = [
    element('div', { class: 'turns' }),
    element(
      'ul',
      { class: 'legend', 'aria-hidden': 'true' },
      ...Object.entries(KINDS).map(([kind, words]) => element('li', { class: kind }, words)),
    ),
    element('p', { class: 'numbers', role: 'status' }),
  ];
  const more = element('button', { type: 'button' }, 'Earlier turns');
  place.replaceChildren(element('div', { class: 'trace-head' }, legend, numbers), list, more);
  /** By request id; a turn is rendered again only if it changed. @type {Map<string, { block: HTMLElement, drawn: string }>} */
  const blocks = new Map();
  let most = STEP;
  let isVisible = false;
  let isDue = false;
  const idle = 'Point at a bar, or move to it with Tab, to see its numbers here. Click it to go to its event.';
  numbers.textContent = idle;

  const render = () => {
    isDue = false;
    if (!isVisible) return;
    const now = Date.now();
    const turns = turnsOf(rows(), phasesOf(steps())).toReversed();
    const shown = turns.slice(0, most);
    for (const [id, { block }] of blocks) {
      if (shown.some(({ requestId }) => requestId === id)) continue;
      block.remove();
      blocks.delete(id);
    }
    shown.forEach((turn, index) => {
      const drawn = JSON.stringify([turn, turn.endMs === null ? Math.floor(now / TICK_MS) : 0]);
      const known = blocks.get(turn.requestId);
      const focused = known?.block.contains(document.activeElement)
        ? document.activeElement?.getAttribute('data-bar')
        : null;
      const block = known?.drawn === drawn ? known.block : blockOf(turn, now);
      if (known && known.block !== block) known.block.replaceWith(block);
      if (list.children[index] !== block) list.insertBefore(block, list.children[index] ?? null);
      if (focused && known?.block !== block)
        block
          .querySelector(`[data-bar="${CSS.escape(focused)}"]`)
          ?.closest('button')
          ?.focus();
      blocks.set(turn.requestId, { block, drawn });
    });
    more.hidden = turns.length <= most && !hasEarlier();
    if (turns.length === 0) list.replaceChildren(element('p', { class: 'note' }, 'No turns yet.'));
    else list.querySelector('p.note:only-child')?.remove();
  };
  const update = () => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(render);
  };
  setInterval(() => {
    if (isVisible && list.querySelector('.open')) update();
  }, TICK_MS);

  /** @param {Turn} turn @param {number} now */
  const blockOf = (turn, now) => {
    const { at, isCompressed } = scaleOf(turn, now);
    const slowest = slowestOf(turn, now);
    const whole = (turn.endMs ?? now) - turn.startMs;
    const bars = turn.spans.map((span, index) =>
      barOf(span, { at, now, whole, index, isSlow: span === slowest && whole > 0 }),
    );
    return element(
      'section',
      {
        class: `turn ${turn.endMs === null ? 'open' : ''}`,
        'aria-label': `Turn ${turn.requestId}`,
        'data-turn': turn.requestId,
      },
      element(
        'header',
        {},
        element('h3', {}, turn.text ?? turn.requestId),
        element('p', { class: 'note' }, summaryOf(turn, whole, slowest, now)),
        ...(isCompressed
          ? [element('p', { class: 'note' }, 'Time spent waiting for people is drawn shorter than it was.')]
          : []),
      ),
      element('ol', { class: 'bars' }, ...bars),
    );
  };

  /** @param {Span} span @param {{ at(ms: number): number, now: number, whole: number, index: number, isSlow: boolean }} drawn */
  const barOf = (span, { at, now, whole, index, isSlow }) => {
    const end = span.endMs ?? now;
    const [from, to] = [at(span.startMs), at(end)];
    const first =
      span.firstTokenMs === null || to <= from ? 1 : Math.min(1, (at(span.firstTokenMs) - from) / (to - from));
    const words = numbersOf(span, now, whole);
    const bar = element('span', { class: `bar ${span.kind} ${span.endMs === null ? 'running' : ''}` });
    // Set by script: the page's content security policy forbids style attributes.
    bar.style.left = `${100 * from}%`;
    bar.style.width = `${100 * (to - from)}%`;
    if (span.firstTokenMs !== null) {
      const waited = element('span', { class: 'until-first' });
      waited.style.width = `${100 * first}%`;
      bar.append(waited);
    }
    const button = element(
      'button',
      {
        type: 'button',
        class: isSlow ? 'slow' : '',
        'data-bar': `${span.kind} ${index}`,
        'data-kind': span.kind,
        'data-seq': String(span.seq),
        'aria-label': words,
      },
      element('span', { class: 'what' }, span.label),
      element('span', { class: 'track' }, bar),
      element('span', { class: 'took' }, duration(end - span.startMs)),
    );
    const showNumbers = () => {
      numbers.textContent = words;
    };
    button.addEventListener('pointerenter', showNumbers);
    button.addEventListener('focus', showNumbers);
    button.addEventListener('click', () => onPick(span.seq));
    return element('li', {}, button);
  };

  more.addEventListener('click', () => {
    most += STEP;
    if (turnsOf(rows(), []).length < most && hasEarlier()) onEarlier();
    update();
  });

  return {
    update,
    begin() {
      most = STEP;
      blocks.clear();
      list.replaceChildren();
      numbers.textContent = idle;
      update();
    },
    /** @param {boolean} visible */
    show(visible) {
      isVisible = visible;
      place.hidden = !visible;
      if (visible) update();
    },
  };
}

/** @param {Turn} turn @param {number} whole @param {Span | null} slowest @param {number} now */
function summaryOf(turn, whole, slowest, now) {
  const took = slowest === null ? 0 : (slowest.endMs ?? now) - slowest.startMs;
  return [
    clock(turn.startMs),
    `${duration(whole)}${turn.endMs === null ? ' so far' : ''}`,
    ...(turn.outcome === null ? [] : [turn.outcome]),
    `${turn.calls} model ${turn.calls === 1 ? 'call' : 'calls'}`,
    ...(turn.tools > 0 ? [`${turn.tools} ${turn.tools === 1 ? 'tool call' : 'tool calls'}`] : []),
    ...(turn.promptTokens + turn.completionTokens > 0
      ? [tokensOf(turn.promptTokens, turn.cachedTokens, turn.completionTokens)]
      : []),
    ...(turn.cost === null ? [] : [`cost ${costOf(turn.cost)}`]),
    ...(slowest === null || took === 0 ? [] : [`slowest: ${slowest.label}, ${duration(took)}`]),
  ].join(' · ');
}

/** @param {Span} span @param {number} now @param {number} whole */
function numbersOf(span, now, whole) {
  const took = (span.endMs ?? now) - span.startMs;
  const { row } = span;
  return [
    `${KINDS[span.kind]}: ${span.label}`,
    `${duration(took)}${span.endMs === null ? ' so far' : ''}${whole > 0 ? ` (${Math.round((100 * took) / whole)} % of the turn)` : ''}`,
    ...(span.firstTokenMs === null ? [] : [`first token after ${duration(span.firstTokenMs - span.startMs)}`]),
    ...(span.hop === null ? [] : [`hop ${span.hop}`]),
    ...(span.outcome === null ? [] : [span.outcome]),
    ...(span.kind === 'model' && row !== null && row.prompt_tokens !== null
      ? [tokensOf(row.prompt_tokens, row.cached_tokens ?? 0, row.completion_tokens ?? 0)]
      : []),
    ...(span.kind === 'model' && row !== null && row.cost !== null ? [`cost ${costOf(row.cost)}`] : []),
  ].join(' · ');
}

/** @param {number} prompt @param {number} cached @param {number} completion */
const tokensOf = (prompt, cached, completion) =>
  `${prompt.toLocaleString('en')} tokens in${cached > 0 ? ` (${cached.toLocaleString('en')} cached)` : ''}, ${completion.toLocaleString('en')} out`;

/** @param {number} cost */
const costOf = (cost) => cost.toLocaleString('en', { maximumSignificantDigits: 3 });
