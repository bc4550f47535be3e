/** Shows a small copy of the chart with a frame around the visible part. A press moves the view to that point. */
import { light } from './chart.js';

/** @param {HTMLElement} holder @param {(point: { x: number, y: number }) => void} onPoint in the chart's units */
export function createMinimap(holder, onPoint) {
  /** @type {SVGSVGElement | null} */
  let map = null;
  const frame = document.createElementNS('http://www.w3.org/2000/svg', 'rect');
  frame.setAttribute('class', 'frame');

  /** @param {PointerEvent} event */
  const point = ({ clientX, clientY }) => {
    const matrix = map?.getScreenCTM();
    if (!matrix) return;
    const { x, y } = new DOMPoint(clientX, clientY).matrixTransform(matrix.inverse());
    onPoint({ x, y });
  };
  holder.addEventListener('pointerdown', (event) => {
    holder.setPointerCapture(event.pointerId);
    point(event);
  });
  holder.addEventListener('pointermove', (event) => {
    if (holder.hasPointerCapture(event.pointerId)) point(event);
  });

  return {
    /** @param {Element} drawing still with its original viewBox */
    show(drawing) {
      const copy = drawing.cloneNode(true);
      if (!(copy instanceof SVGSVGElement)) return;
      for (const text of copy.querySelectorAll('text, title')) text.remove();
      for (const box of copy.querySelectorAll('[tabindex]'))
        for (const name of ['tabindex', 'role', 'aria-label']) box.removeAttribute(name);
      copy.append(frame);
      holder.replaceChildren(copy);
      map = copy;
    },
    /** @param {string} state @param {readonly string[]} transitions */
    light(state, transitions) {
      if (map) light(map, state, transitions);
    },
    /** @param {import('./view.js').Box} view */
    frame(view) {
      if (!map) return;
      const { x, y, width, height } = map.viewBox.baseVal;
      for (const [name, value] of Object.entries(view)) frame.setAttribute(name, value.toFixed(1));
      // Hidden while the whole chart is in view.
      holder.hidden =
        view.x <= x && view.y <= y && view.x + view.width >= x + width && view.y + view.height >= y + height;
    },
  };
}
