/**
 * Shows the actors of a step: the conversation's chart, a sentence about its state, and small charts of its tool calls and
 * the MCP servers.
 */
import { describe, drawn, light } from './chart.js';
import { moodOf } from './conversations.js';
import { byId, element, press } from './element.js';
import { createMinimap } from './minimap.js';
import { conversationIn, othersIn, actorTitle } from './steps.js';
import { createViewport } from './viewport.js';

/** Most small charts of tool calls. */
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
      describeState(target.getAttribute('data-state') ?? '');
      if (target.matches(':focus-visible')) viewport.reveal(target);
    });
    drawing.addEventListener('pointerover', ({ target }) => {
      const box = target instanceof Element ? target.closest('[data-state]') : null;
      describeState(box?.getAttribute('data-state') ?? '');
    });
    drawing.addEventListener('pointerleave', () => describeState(''));
    minimap.show(drawing);
    viewport.show(drawing, isLabelled);
    if (last) show(last);
  };

  /** Describes the state under the pointer or the focus; for an empty path the active one. @param {string} path */
  const describeState = (path) => {
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
    if (root) describeState('');
    else sentence.textContent = 'Not in memory. Its events appear here when it becomes active.';
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
      // The tool of a call is known only after the actor has started.
      known.name.textContent = actorTitle(actor);
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
    /** Removes all actors. @param {boolean} isOther another conversation was chosen: the view of the chart is reset too */
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
