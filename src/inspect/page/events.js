/**
 * Shows the list of events with their times, and the scrubber. Reports the chosen step. While none is chosen, the newest
 * step is shown and new events move it on.
 */
import { byId, element, onArrows } from './element.js';
import { actorTitle } from './steps.js';
import { clock, since } from './times.js';

const PLAY_EVERY_MS = 450;
/** Rows in the list before a person scrolls further up or down. */
const MOST_ROWS = 400;
/** The list adds rows when its top or end is this near, in pixels. */
const NEAR = 60;

/** @typedef {import('./steps.js').Step} Step */

/**
 * `steps` returns the listed steps, and always the one with the given key. `onDetail` shows the step itself. `textOf`
 * returns the text or the outcome of a row; null if none. `onTop` is called when a person scrolls to the top of all steps.
 * @param {{ steps(chosen: string | null): readonly Step[], onShow(step: Step | null, chosen: string | null): void, onDetail(step: Step | null): void,
 *   textOf(seq: number): string | null, onTop(): void }} given
 */
export function createEvents({ steps, onShow, onDetail, textOf, onTop }) {
  const list = byId('steps', HTMLOListElement);
  const [scrubber, position, total] = [
    byId('scrubber', HTMLInputElement),
    byId('position', HTMLOutputElement),
    byId('total', HTMLSpanElement),
  ];
  const [first, back, play, on, now] = [
    byId('first', HTMLButtonElement),
    byId('back', HTMLButtonElement),
    byId('play', HTMLButtonElement),
    byId('on', HTMLButtonElement),
    byId('now', HTMLButtonElement),
  ];
  /** Key of the chosen step; null for the newest. @type {string | null} */
  let chosen = null;
  /** @type {number | undefined} */
  let playing;
  let isDue = false;
  let mostRows = MOST_ROWS;
  /** First row of the list. */
  let from = 0;
  /** A person has scrolled the list away from the chosen step. */
  let isScrolled = false;
  let begun = 0;
  /** Rows by the step's key; each is created once. @type {Map<string, HTMLLIElement>} */
  const rows = new Map();

  const indexOf = () => {
    const all = steps(chosen);
    const at = chosen === null ? -1 : all.findIndex(({ key }) => key === chosen);
    return at < 0 ? all.length - 1 : at;
  };

  /** @param {number} index */
  const go = (index) => {
    isScrolled = false;
    const all = steps(chosen);
    const at = Math.min(all.length - 1, Math.max(0, index));
    chosen = at === all.length - 1 ? null : (all[at]?.key ?? null);
    render();
  };
  const stop = () => {
    clearInterval(playing);
    playing = undefined;
    play.textContent = 'Play';
    play.setAttribute('aria-label', 'Play');
  };
  const toggle = () => {
    if (playing !== undefined) return stop();
    if (chosen === null) go(0);
    play.textContent = 'Pause';
    play.setAttribute('aria-label', 'Pause');
    playing = setInterval(() => {
      go(indexOf() + 1);
      if (chosen === null) stop();
    }, PLAY_EVERY_MS);
  };

  const render = () => {
    isDue = false;
    const all = steps(chosen);
    const at = indexOf();
    const step = all[at] ?? null;
    from = Math.max(0, Math.min(at - mostRows / 2, all.length - mostRows));
    const begin = all[0]?.atMs ?? 0;
    // Times count from the first event, which changes when earlier rows are added.
    if (begin !== begun) rows.clear();
    begun = begin;
    const visible = all.slice(from, from + mostRows);
    const wanted = visible.map((each) => rows.get(each.key) ?? rowOf(each, begin));
    const inView = new Set(wanted);
    for (const row of rows.values()) if (!inView.has(row)) rows.delete(row.dataset['key'] ?? '');
    /** @type {HTMLElement | null} */
    let here = null;
    for (const [index, each] of visible.entries()) {
      const row = wanted[index];
      if (!row) continue;
      rows.set(each.key, row);
      const isHere = each === step;
      row.setAttribute('aria-selected', String(isHere));
      row.classList.toggle('later', from + index > at);
      if (list.children[index] !== row) list.insertBefore(row, list.children[index] ?? null);
      if (isHere) here = row;
    }
    while (list.children.length > wanted.length) list.lastChild?.remove();
    scrubber.max = String(Math.max(0, all.length - 1));
    scrubber.value = String(Math.max(0, at));
    scrubber.setAttribute(
      'aria-valuetext',
      step === null ? 'nothing yet' : `${at + 1} of ${all.length}: ${step.label}`,
    );
    position.textContent = `${all.length === 0 ? 0 : at + 1} / ${all.length}`;
    total.textContent = step === null ? '' : clock(step.atMs);
    for (const control of [scrubber, first, back, play, on]) control.disabled = all.length < 2;
    now.disabled = chosen === null;
    onDetail(step);
    // The detail panel shrinks the list.
    if (here && !isScrolled) keepSeen(here);
    onShow(step, chosen);
  };

  /** @param {Step} step @param {number} beginMs */
  const rowOf = (step, beginMs) => {
    const actor = step.actors.get(step.actorId);
    const text = step.seq === null ? null : textOf(step.seq);
    const row = element(
      'li',
      {
        role: 'option',
        'data-key': step.key,
        class: `${step.kind}${step.seq === null ? '' : ' of-row'}`,
        ...(step.seq === null ? {} : { 'data-seq': String(step.seq) }),
      },
      element(
        'time',
        { datetime: new Date(step.atMs).toISOString(), title: clock(step.atMs) },
        since(step.atMs - beginMs),
      ),
      element('span', { class: 'label' }, readable(step.label)),
      element(
        'span',
        { class: 'who' },
        step.kind === 'break'
          ? ''
          : text !== null
            ? text
            : step.kind === 'row'
              ? ''
              : actor
                ? `${actorTitle(actor)}${actor.state ? ` → ${actor.state}` : ''}`
                : '',
      ),
    );
    row.addEventListener('click', () => {
      stop();
      // The steps may have been rebuilt since this row was created.
      go(steps(chosen).findIndex(({ key }) => key === step.key));
    });
    return row;
  };

  /** @param {HTMLElement} row */
  const keepSeen = (row) => {
    const [inner, outer] = [row.getBoundingClientRect(), list.getBoundingClientRect()];
    if (inner.bottom > outer.bottom) list.scrollTop += inner.bottom - outer.bottom + 8;
    else if (inner.top < outer.top) list.scrollTop -= outer.top - inner.top + 8;
  };

  list.addEventListener('wheel', () => void (isScrolled = true), { passive: true });
  list.addEventListener('touchmove', () => void (isScrolled = true), { passive: true });
  list.addEventListener('scroll', () => {
    if (!isScrolled) return;
    const [isTop, isEnd] = [list.scrollTop < NEAR, list.scrollTop + list.clientHeight > list.scrollHeight - NEAR];
    const hasOthers = from > 0 || from + mostRows < steps(chosen).length;
    if ((isTop && from > 0) || (isEnd && hasOthers)) {
      const [height, top] = [list.scrollHeight, list.scrollTop];
      const before = from;
      mostRows += MOST_ROWS;
      render();
      if (from < before) list.scrollTop = top + list.scrollHeight - height;
    } else if (isTop) onTop();
  });

  scrubber.addEventListener('input', () => {
    stop();
    go(Number(scrubber.value));
  });
  /** @param {HTMLButtonElement} button @param {() => void} work */
  const onClick = (button, work) =>
    button.addEventListener('click', () => {
      if (button !== play) stop();
      work();
    });
  onClick(first, () => go(0));
  onClick(back, () => go(indexOf() - 1));
  onClick(on, () => go(indexOf() + 1));
  onClick(now, () => go(steps(chosen).length - 1));
  onClick(play, toggle);
  onArrows(list, (step) => {
    stop();
    go(indexOf() + step);
  });

  return {
    /** Renders in the next animation frame; calls before that have no further effect. */
    update() {
      if (isDue) return;
      isDue = true;
      requestAnimationFrame(render);
    },
    /** @param {boolean} atEnd whether the newest is looked at, or the first @param {string | null} [key] another one, by its key, as soon as it is there */
    begin(atEnd, key = null) {
      stop();
      isScrolled = false;
      mostRows = MOST_ROWS;
      chosen = key ?? (atEnd ? null : (steps(chosen)[0]?.key ?? null));
      render();
    },
    /** @param {string | null} key null for the newest */
    choose(key) {
      stop();
      isScrolled = false;
      chosen = key;
      render();
    },
    /** @param {number} by */
    move(by) {
      stop();
      go(indexOf() + by);
    },
    toggle,
    /** @param {'first' | 'now'} end */
    jump(end) {
      stop();
      go(end === 'first' ? 0 : steps(chosen).length - 1);
    },
  };
}

/** Shortens XState's own event names. @param {string} type */
export function readable(type) {
  return type
    .replace(/^xstate\.done\.actor\./, 'done: ')
    .replace(/^xstate\.error\.actor\./, 'error: ')
    .replace(/^xstate\.after\.([^.]+)\..*/, 'after $1')
    .replace(/^xstate\.(init|stop)$/, '$1');
}
