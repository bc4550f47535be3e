/**
 * Converts input of wheel, mouse, pen and touch to zoom and movement. The wheel zooms; with Shift it moves. One finger or
 * a drag moves; two fingers zoom.
 */

/** A pointer that moves less than this, in CSS pixels, is a click. */
const LEAST_DRAG = 4;
/** One notch of a wheel (100 pixels) zooms by about 1.2. */
const ZOOM_PER_PIXEL = 0.0018;
/** Browsers report a touchpad pinch as wheel events with Ctrl, in small steps. */
const ZOOM_PER_PINCHED_PIXEL = 0.01;
const LARGEST_STEP = 1.5;
const PIXELS_PER_LINE = 33;

/** @typedef {{ x: number, y: number }} Point in CSS pixels from the element's upper left corner */

/**
 * @param {HTMLElement} element
 * @param {{ onZoom(factor: number, at: Point): void, onMove(by: Point): void }} to
 */
export function onGestures(element, { onZoom, onMove }) {
  /** Pointers that are down. @type {Map<number, Point>} */
  const down = new Map();
  let isDragging = false;

  /** @param {MouseEvent} event @returns {Point} */
  const pointOf = ({ clientX, clientY }) => {
    const { left, top } = element.getBoundingClientRect();
    return { x: clientX - left, y: clientY - top };
  };

  element.addEventListener(
    'wheel',
    (event) => {
      event.preventDefault();
      const unit = event.deltaMode === WheelEvent.DOM_DELTA_PIXEL ? 1 : PIXELS_PER_LINE;
      const [x, y] = [event.deltaX * unit, event.deltaY * unit];
      if (event.shiftKey || Math.abs(x) > Math.abs(y))
        return onMove(event.shiftKey && x === 0 ? { x: -y, y: 0 } : { x: -x, y: -y });
      const factor = Math.exp(-y * (event.ctrlKey ? ZOOM_PER_PINCHED_PIXEL : ZOOM_PER_PIXEL));
      onZoom(Math.min(LARGEST_STEP, Math.max(1 / LARGEST_STEP, factor)), pointOf(event));
    },
    { passive: false },
  );

  element.addEventListener('pointerdown', (event) => {
    if (event.pointerType === 'mouse' && event.button !== 0 && event.button !== 1) return;
    down.set(event.pointerId, pointOf(event));
  });
  element.addEventListener('pointermove', (event) => {
    const before = down.get(event.pointerId);
    if (!before) return;
    const now = pointOf(event);
    if (!isDragging && down.size === 1 && distance(before, now) < LEAST_DRAG) return;
    if (!isDragging) for (const id of down.keys()) element.setPointerCapture(id);
    isDragging = true;
    element.classList.add('dragging');
    const [other] = [...down].flatMap(([id, point]) => (id === event.pointerId ? [] : [point]));
    if (other) {
      const middle = { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 };
      onMove({ x: (now.x - before.x) / 2, y: (now.y - before.y) / 2 });
      onZoom(distance(now, other) / Math.max(1, distance(before, other)), middle);
    } else {
      onMove({ x: now.x - before.x, y: now.y - before.y });
    }
    down.set(event.pointerId, now);
  });
  /** @param {PointerEvent} event */
  const onUp = ({ pointerId }) => {
    down.delete(pointerId);
    if (down.size > 0) return;
    isDragging = false;
    element.classList.remove('dragging');
  };
  // A pointer without capture may be released outside.
  addEventListener('pointerup', onUp);
  addEventListener('pointercancel', onUp);
}

/** @param {Point} one @param {Point} other */
function distance(one, other) {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
