/**
 * Computes the visible part of a chart: fits, zooms at a point, moves, and keeps it within bounds. Pure: uses no elements.
 */

/**
 * `x` and `y` are the chart's point in the upper left corner of the canvas; `scale` is CSS pixels for each unit of the chart.
 * @typedef {{ x: number, y: number, scale: number }} View
 * @typedef {{ x: number, y: number, width: number, height: number }} Box
 * @typedef {{ width: number, height: number }} Size in CSS pixels
 */

/** The largest scale of a chart. 1 is the size of the layout. */
export const LARGEST_SCALE = 4;
const SMALLEST_SCALE = 0.2;
/** Empty space around a chart, in CSS pixels. The bottom has room for the zoom buttons. */
const MARGIN = 16;
const BOTTOM = 54;
/** A fitted chart is not enlarged beyond this. */
const LARGEST_FIT = 1.25;
/** Part of the chart, in CSS pixels, that always stays in view. */
const LEAST_IN_VIEW = 64;

/** The scale that shows the whole chart. @param {Box} chart @param {Size} canvas */
export function fitScale(chart, canvas) {
  return Math.max(
    0.01,
    Math.min((canvas.width - 2 * MARGIN) / chart.width, (canvas.height - MARGIN - BOTTOM) / chart.height, LARGEST_FIT),
  );
}

/** The whole chart, centred. @param {Box} chart @param {Size} canvas @returns {View} */
export function whole(chart, canvas) {
  return snug({ x: 0, y: 0, scale: fitScale(chart, canvas) }, chart, canvas);
}

/** Zooms around a point of the canvas. @param {View} view @param {number} factor @param {{ x: number, y: number }} point @param {number} smallest @returns {View} */
export function zoomed(view, factor, point, smallest) {
  const scale = Math.min(LARGEST_SCALE, Math.max(Math.min(SMALLEST_SCALE, smallest), view.scale * factor));
  return {
    x: view.x + point.x / view.scale - point.x / scale,
    y: view.y + point.y / view.scale - point.y / scale,
    scale,
  };
}

/** Keeps a part of the chart in view. @param {View} view @param {Box} chart @param {Size} canvas @returns {View} */
export function bounded({ x, y, scale }, chart, canvas) {
  const least = LEAST_IN_VIEW / scale;
  const within = (
    /** @type {number} */ at,
    /** @type {number} */ from,
    /** @type {number} */ length,
    /** @type {number} */ room,
  ) => Math.min(from + length - least, Math.max(from + least - room / scale, at));
  return {
    x: within(x, chart.x, chart.width, canvas.width),
    y: within(y, chart.y, chart.height, canvas.height),
    scale,
  };
}

/**
 * Centres a box unless it is in view already. Shows as little empty space as possible.
 * @param {View} view @param {Box} box @param {Box} chart @param {Size} canvas @returns {View}
 */
export function revealed(view, box, chart, canvas) {
  const { scale } = view;
  const [width, height] = [canvas.width / scale, canvas.height / scale];
  const [margin, bottom] = [MARGIN / scale, BOTTOM / scale];
  const isSeen =
    box.x >= view.x + margin &&
    box.x + box.width <= view.x + width - margin &&
    box.y >= view.y + margin &&
    box.y + box.height <= view.y + height - bottom;
  return snug(
    isSeen ? view : { x: box.x + (box.width - width) / 2, y: box.y + (box.height - height) / 2, scale },
    chart,
    canvas,
  );
}

/** Removes empty space beyond the margin; centres a chart that is smaller than the canvas. @param {View} view @param {Box} chart @param {Size} canvas @returns {View} */
function snug({ x, y, scale }, chart, canvas) {
  const within = (
    /** @type {number} */ at,
    /** @type {number} */ from,
    /** @type {number} */ length,
    /** @type {number} */ room,
    /** @type {number} */ after,
  ) => {
    const [first, last] = [from - MARGIN / scale, from + length + (after - room) / scale];
    return last < first ? (first + last) / 2 : Math.min(last, Math.max(first, at));
  };
  return {
    x: within(x, chart.x, chart.width, canvas.width, MARGIN),
    y: within(y, chart.y, chart.height, canvas.height, BOTTOM),
    scale,
  };
}
