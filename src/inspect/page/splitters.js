/**
 * Makes the panels resizable by pointer and keyboard, and stores their sizes in the browser. On a narrow screen the panels
 * are stacked, and the style sheet hides the separators.
 */
import { byId } from './element.js';

const KEY = 'parley-inspect-sizes';
const STEP_PX = 16;

/**
 * `resizes` is the panel of the separator. `side` is 1 if the panel comes before its separator. The style sheet reads
 * `property`, and applies the same limits when the window shrinks.
 * @typedef {{ separator: string, resizes: string, property: string, axis: 'x' | 'y', side: 1 | -1, min: number, mostOf: number }} Splitter
 */

/** @type {readonly Splitter[]} */
const SPLITTERS = [
  {
    separator: 'split-list',
    resizes: 'list-panel',
    property: '--list-width',
    axis: 'x',
    side: 1,
    min: 190,
    mostOf: 0.34,
  },
  {
    separator: 'split-events',
    resizes: 'events-panel',
    property: '--events-width',
    axis: 'x',
    side: -1,
    min: 230,
    mostOf: 0.4,
  },
  {
    separator: 'split-others',
    resizes: 'others',
    property: '--others-height',
    axis: 'y',
    side: -1,
    min: 96,
    mostOf: 0.55,
  },
  {
    separator: 'split-detail',
    resizes: 'detail',
    property: '--detail-height',
    axis: 'y',
    side: -1,
    min: 72,
    mostOf: 0.75,
  },
];

/** Makes every separator of the page movable, from the sizes of the last visit. */
export function createSplitters() {
  const sizes = remembered();
  for (const splitter of SPLITTERS) create(splitter, sizes);
}

/** @param {Splitter} splitter @param {Map<string, number>} sizes */
function create({ separator, resizes, property, axis, side, min, mostOf }, sizes) {
  const [handle, panel] = [byId(separator, HTMLDivElement), byId(resizes, HTMLElement)];
  const root = document.documentElement;
  const length = () => (axis === 'x' ? panel.offsetWidth : panel.offsetHeight);
  const most = () =>
    Math.max(
      min,
      Math.floor(
        mostOf *
          ((axis === 'x' ? document.body : panel.parentElement)?.[axis === 'x' ? 'clientWidth' : 'clientHeight'] ??
            min),
      ),
    );

  const announce = () => {
    const now = { 'aria-valuemin': min, 'aria-valuemax': most(), 'aria-valuenow': length() };
    for (const [name, value] of Object.entries(now)) handle.setAttribute(name, String(value));
    handle.setAttribute('aria-valuetext', `${length()} pixels`);
  };
  /** Null sets the default size of the style sheet. @param {number | null} px */
  const set = (px) => {
    if (px === null) {
      root.style.removeProperty(property);
      sizes.delete(property);
    } else {
      const size = Math.round(Math.min(most(), Math.max(min, px)));
      root.style.setProperty(property, `${size}px`);
      sizes.set(property, size);
    }
    localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(sizes)));
    announce();
  };

  const known = sizes.get(property);
  if (known !== undefined) root.style.setProperty(property, `${known}px`);
  new ResizeObserver(announce).observe(panel);
  new ResizeObserver(announce).observe(panel.parentElement ?? panel);

  /** Start of the drag. @type {{ at: number, length: number } | null} */
  let drag = null;
  const at = (/** @type {PointerEvent} */ event) => (axis === 'x' ? event.clientX : event.clientY);
  handle.addEventListener('pointerdown', (event) => {
    handle.setPointerCapture(event.pointerId);
    drag = { at: at(event), length: length() };
  });
  handle.addEventListener('pointermove', (event) => {
    if (drag) set(drag.length + side * (at(event) - drag.at));
  });
  handle.addEventListener('lostpointercapture', () => {
    drag = null;
  });
  handle.addEventListener('dblclick', () => set(null));
  handle.addEventListener('keydown', (event) => {
    const [less, more] = axis === 'x' ? ['ArrowLeft', 'ArrowRight'] : ['ArrowUp', 'ArrowDown'];
    /** @type {Record<string, number | null>} */
    const wanted = {
      [less]: length() - side * STEP_PX,
      [more]: length() + side * STEP_PX,
      Home: min,
      End: most(),
      Enter: null,
    };
    const px = wanted[event.key];
    if (px === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    // Outside of separators these keys choose events.
    event.stopPropagation();
    set(px);
  });
}

/** The stored sizes; ignores values that are not numbers. @returns {Map<string, number>} */
function remembered() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEY) ?? '{}');
    return new Map(
      SPLITTERS.flatMap(({ property }) => (Number.isFinite(kept[property]) ? [[property, kept[property]]] : [])),
    );
  } catch {
    return new Map();
  }
}
