/**
 * Shows a part of a chart on the canvas. It follows the active state until a person zooms or moves the chart. Then it stays
 * until Follow or Whole is chosen. It sets the drawing's `viewBox`, so that text stays sharp.
 */
import { byId, press } from './element.js';
import { onGestures } from './gestures.js';
import { bounded, fitScale, LARGEST_SCALE, revealed, whole, zoomed } from './view.js';

const ZOOM_STEP = 1.25;
/** Share of the canvas that one key press moves. */
const MOVE_STEP = 0.2;
const GLIDE_MS = 200;
/** At these scales names (`plain`) or labels (`labelled`) are at least 11 CSS pixels high. */
const LEGIBLE = { plain: 1, labelled: 1.08 };

/** @typedef {'follow' | 'whole' | 'kept'} Mode how the view is placed */

/** @param {HTMLElement} canvas @param {(view: import('./view.js').Box) => void} onView gets the visible part, in the chart's units */
export function createViewport(canvas, onView) {
  const [zoomIn, zoomOut] = [byId('zoom-in', HTMLButtonElement), byId('zoom-out', HTMLButtonElement)];
  const [fit, follow] = [byId('fit', HTMLButtonElement), byId('follow', HTMLButtonElement)];
  const percent = byId('zoom', HTMLOutputElement);
  const calm = matchMedia('(prefers-reduced-motion: reduce)');
  /** @type {SVGSVGElement | null} */
  let drawing = null;
  let chart = { x: 0, y: 0, width: 1, height: 1 };
  let legible = LEGIBLE.plain;
  /** @type {Mode} */
  let mode = 'follow';
  /** @type {SVGGraphicsElement | null} */
  let active = null;
  let view = { x: 0, y: 0, scale: 1 };
  /** Nothing was shown before, so the view jumps. */
  let isFirst = true;
  let frame = 0;

  const size = () => ({ width: canvas.clientWidth, height: canvas.clientHeight });

  /** @param {import('./view.js').View} next */
  const apply = (next) => {
    view = next;
    const { width, height } = size();
    const seen = { x: view.x, y: view.y, width: width / view.scale, height: height / view.scale };
    drawing?.setAttribute(
      'viewBox',
      [seen.x, seen.y, seen.width, seen.height].map((each) => each.toFixed(2)).join(' '),
    );
    canvas.style.backgroundPosition = `${-view.x * view.scale}px ${-view.y * view.scale}px`;
    percent.value = `${Math.round(view.scale * 100)} %`;
    zoomIn.disabled = view.scale >= LARGEST_SCALE;
    onView(seen);
  };

  /** @param {import('./view.js').View} to @param {boolean} isGliding */
  const go = (to, isGliding) => {
    cancelAnimationFrame(frame);
    if (!isGliding || calm.matches || isFirst) return apply(to);
    const [from, startMs] = [view, performance.now()];
    const step = () => {
      const share = Math.min(1, (performance.now() - startMs) / GLIDE_MS);
      const eased = 1 - (1 - share) ** 3;
      const between = (/** @type {'x' | 'y' | 'scale'} */ part) => from[part] + (to[part] - from[part]) * eased;
      apply({ x: between('x'), y: between('y'), scale: between('scale') });
      if (share < 1) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
  };

  /** Places the view by its mode. @param {boolean} isGliding */
  const settle = (isGliding) => {
    const canvasSize = size();
    if (!drawing || canvasSize.width === 0 || canvasSize.height === 0) return;
    if (mode === 'kept') return go(view, false);
    const scale = Math.max(legible, fitScale(chart, canvasSize));
    const box = active?.getBBox() ?? chart;
    go(mode === 'whole' ? whole(chart, canvasSize) : revealed({ ...view, scale }, box, chart, canvasSize), isGliding);
    if (active || mode === 'whole') isFirst = false;
  };

  /** @param {Mode} next */
  const enter = (next) => {
    mode = next;
    press(fit, mode === 'whole');
    press(follow, mode === 'follow');
    settle(true);
  };

  /** @param {number} factor @param {{ x: number, y: number }} [point] */
  const zoom = (factor, point) => {
    if (!drawing) return;
    const { width, height } = size();
    const next = zoomed(view, factor, point ?? { x: width / 2, y: height / 2 }, fitScale(chart, size()));
    view = bounded(next, chart, size());
    cancelAnimationFrame(frame);
    enter('kept');
  };

  /** Moves the chart with the pointer. @param {{ x: number, y: number }} by in CSS pixels */
  const move = (by) => {
    if (!drawing) return;
    cancelAnimationFrame(frame);
    view = bounded({ ...view, x: view.x - by.x / view.scale, y: view.y - by.y / view.scale }, chart, size());
    enter('kept');
  };

  onGestures(canvas, { onZoom: zoom, onMove: move });
  zoomIn.addEventListener('click', () => zoom(ZOOM_STEP));
  zoomOut.addEventListener('click', () => zoom(1 / ZOOM_STEP));
  fit.addEventListener('click', () => enter(mode === 'whole' ? 'follow' : 'whole'));
  follow.addEventListener('click', () => enter('follow'));
  new ResizeObserver(() => settle(false)).observe(canvas);

  return {
    /** Puts a drawing on the canvas. The view starts again, because drawings differ in size. @param {Element} svg @param {boolean} isLabelled */
    show(svg, isLabelled) {
      if (!(svg instanceof SVGSVGElement)) throw new Error('the drawing of a chart is not an SVG');
      const { x, y, width, height } = svg.viewBox.baseVal;
      drawing = svg;
      chart = { x, y, width, height };
      legible = isLabelled ? LEGIBLE.labelled : LEGIBLE.plain;
      active = null;
      isFirst = true;
      canvas.replaceChildren(svg);
      for (const button of [zoomIn, zoomOut, fit, follow]) button.disabled = false;
      enter(mode === 'whole' ? 'whole' : 'follow');
    },
    /** Sets the active state; null if none. @param {Element | null} box */
    activate(box) {
      const next = box instanceof SVGGraphicsElement ? box : null;
      if (next === active) return;
      active = next;
      if (mode === 'follow') settle(true);
    },
    /** Brings a state that has the keyboard focus into view. @param {Element} box */
    reveal(box) {
      if (!(box instanceof SVGGraphicsElement)) return;
      const next = revealed(view, box.getBBox(), chart, size());
      if (next.x === view.x && next.y === view.y) return;
      mode = 'kept';
      enter(mode);
      go(next, true);
    },
    /** @param {-1 | 0 | 1} x @param {-1 | 0 | 1} y */
    moveBy(x, y) {
      const { width, height } = size();
      move({ x: -x * width * MOVE_STEP, y: -y * height * MOVE_STEP });
    },
    /** Centres a point of the chart. @param {{ x: number, y: number }} point */
    center(point) {
      const { width, height } = size();
      move({ x: (view.x - point.x) * view.scale + width / 2, y: (view.y - point.y) * view.scale + height / 2 });
    },
  };
}
