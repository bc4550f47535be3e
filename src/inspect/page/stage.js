/**
 * The middle of the page: the conversation's chart, its state in a sentence, and beside it the charts of its tool
 * calls and of the MCP servers. Shows actors as it is told; decides nothing.
 */
import { describe, drawn, light } from './chart.js';
import { moodOf } from './conversations.js';
import { byId, element, press } from './element.js';
import { createMinimap } from './minimap.js';
import { conversationIn, othersIn, titleOf } from './steps.js';
import { createViewport } from './viewport.js';

/** Calls beside the chart; a turn may make many. */
const MOST_CALLS = 12;

/** @param {import('./chart.js').Chart[]} charts */
export function createStage(charts) {
  const [canvas, sentence, others] = [
    byId('canvas', HTMLDivElement),
    byId('sentence', HTMLParagraphElement),
    byId('others', HTMLElement),
  ];
  const labels = byId('labels', HTMLButtonElement);
  const minimap = createMinimap(byId('minimap', HTMLDivElement), (point) => viewport.center(point));
  const viewport = createViewport(canvas, minimap.frame);
  /** @type {Element | null} */
  let drawing = null;
  let isLabelled = false;
  /** Small charts by actor. @type {Map<string, { card: HTMLElement, drawing: Element, name: HTMLElement, state: HTMLElement }>} */
  const cards = new Map();
  /** @type {ReadonlyMap<string, import('./steps.js').ActorView> | null} */
  let last = null;

  /** @param {string} id */
  const chartOf = (id) => charts.find((chart) => chart.id === id);

  const draw = () => {
    const chart = chartOf('conversation');
    if (!chart) return;
    drawing = drawn(isLabelled ? chart.svg.labelled : chart.svg.small);
    drawing.addEventListener('focusin', ({ target }) => {
      if (!(target instanceof Element)) return;
      tellOf(target.getAttribute('data-state') ?? '');
      if (target.matches(':focus-visible')) viewport.reveal(target);
    });
    drawing.addEventListener('pointerover', ({ target }) => {
      const box = target instanceof Element ? target.closest('[data-state]') : null;
      tellOf(box?.getAttribute('data-state') ?? '');
    });
    drawing.addEventListener('pointerleave', () => tellOf(''));
    minimap.show(drawing);
    viewport.show(drawing, isLabelled);
    if (last) show(last);
  };

  /** The state under the pointer or the focus, else the one that is active. @param {string} path */
  const tellOf = (path) => {
    const chart = chartOf('conversation');
    const root = last && conversationIn(last);
    const state = path === '' ? (root?.state ?? '') : path;
    if (!chart || state === '') return;
    sentence.replaceChildren(element('strong', { class: moodOf(state) }, state), ` ${describe(chart, state)}`);
  };

  /** @param {ReadonlyMap<string, import('./steps.js').ActorView>} actors */
  const show = (actors) => {
    last = actors;
    const root = conversationIn(actors);
    const here = drawing && light(drawing, root?.state ?? '', root?.transitions ?? []);
    if (root) tellOf('');
    else sentence.textContent = 'Not in memory: it is told of from its first step on. What was, is in the log.';
    showOthers(actors);
    minimap.light(root?.state ?? '', root?.transitions ?? []);
    viewport.activate(here);
  };

  /** @param {ReadonlyMap<string, import('./steps.js').ActorView>} actors */
  const showOthers = (actors) => {
    const all = othersIn(actors);
    const calls = all.filter(({ machine }) => machine === 'toolCall');
    const wanted = all.filter((actor) => !calls.includes(actor) || calls.indexOf(actor) >= calls.length - MOST_CALLS);
    for (const [id, { card }] of cards) {
      if (wanted.some((actor) => actor.id === id)) continue;
      card.remove();
      cards.delete(id);
    }
    for (const actor of wanted) {
      const known = cards.get(actor.id) ?? addCard(actor);
      if (!known) continue;
      light(known.drawing, actor.state, actor.transitions);
      // Told only when the actor has begun: of a call, which tool it is.
      known.name.textContent = titleOf(actor);
      known.state.textContent = actor.state;
      known.state.className = `state ${moodOf(actor.state)}`;
      known.card.classList.toggle('over', actor.status !== 'active');
    }
    others.hidden = cards.size === 0;
  };

  /** @param {import('./steps.js').ActorView} actor */
  const addCard = (actor) => {
    const chart = chartOf(actor.machine ?? '');
    if (!chart) return null;
    const [name, state] = [element('span', { class: 'name' }), element('span', { class: 'state' })];
    const picture = drawn(chart.svg.flat);
    for (const box of picture.querySelectorAll('[tabindex]')) box.removeAttribute('tabindex');
    const card = element(
      'figure',
      { class: 'card', tabindex: '0', 'data-actor': actor.id, 'data-name': actor.name },
      element('figcaption', {}, name, state),
    );
    card.append(picture);
    others.append(card);
    const made = { card, drawing: picture, name, state };
    cards.set(actor.id, made);
    return made;
  };

  labels.addEventListener('click', () => {
    isLabelled = !isLabelled;
    press(labels, isLabelled);
    draw();
  });

  return {
    /** Starts again with no actors. @param {boolean} isOther another conversation, for which the view of the chart does not keep its place */
    begin(isOther) {
      last = null;
      cards.clear();
      others.replaceChildren();
      others.hidden = true;
      labels.disabled = false;
      if (isOther || !drawing) draw();
    },
    show,
    moveBy: viewport.moveBy,
  };
}
