/** Switches the views: one panel at a time on a narrow screen, and the chart or the timeline in the middle. */
import { byId, press } from './element.js';

/** @typedef {'list' | 'chart' | 'events'} View */

/** @param {{ onShow(): void, onTimeline(isShown: boolean): void }} given `onShow`: a panel was shown, which had no size before */
export function createViews({ onShow, onTimeline }) {
  const [chart, timeline] = [byId('pane-chart', HTMLButtonElement), byId('pane-trace', HTMLButtonElement)];
  const buttons = [...document.querySelectorAll('[data-show]')];
  const isTimeline = () => document.body.classList.contains('tracing');

  /** @param {string} view */
  const show = (view) => {
    document.body.dataset['view'] = view;
    for (const button of buttons)
      button.setAttribute('aria-current', String(button.getAttribute('data-show') === view));
    onShow();
  };
  /** @param {boolean} isShown */
  const showTimeline = (isShown) => {
    press(chart, !isShown);
    press(timeline, isShown);
    document.body.classList.toggle('tracing', isShown);
    onTimeline(isShown);
  };

  for (const button of buttons)
    button.addEventListener('click', () => show(button.getAttribute('data-show') ?? 'list'));
  chart.addEventListener('click', () => showTimeline(false));
  timeline.addEventListener('click', () => showTimeline(true));

  return {
    /** @type {(view: View) => void} */
    show,
    isTimeline,
    /** Switches between chart and timeline. */
    toggle: () => showTimeline(!isTimeline()),
  };
}
