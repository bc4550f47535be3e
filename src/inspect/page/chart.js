/**
 * Shows a chart that the server has drawn. The page inserts the drawing once; after that only classes change. The caller
 * passes the active states and the transitions that were taken last.
 */

/**
 * @typedef {{ id: string, name: string, path: string, description: string | null, transitions: { event: string, guard: string | null }[] }} State
 * @typedef {{ id: string, states: State[], svg: { small: string, labelled: string, flat: string } }} Chart
 */

/** Parses a drawing as SVG, so that no script in it can run. @param {string} svg */
export function drawn(svg) {
  const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement;
  return document.importNode(parsed, true);
}

/**
 * Marks active states and taken transitions. Returns the element of the innermost active state; null if the chart lacks it.
 * @param {Element} drawing
 * @param {string} state dotted path; a parallel chart has several, separated by spaces
 * @param {readonly string[]} transitions
 * @returns {Element | null}
 */
export function light(drawing, state, transitions) {
  const active = state.split(' ');
  const taken = new Set(transitions.map((id) => id.replaceAll(' ', '_')));
  let innermost = null;
  for (const box of drawing.querySelectorAll('[data-state]')) {
    const path = box.getAttribute('data-state') ?? '';
    const isActive = path !== '' && active.some((each) => each === path || each.startsWith(`${path}.`));
    box.classList.toggle('active', isActive);
    const isInnermost = isActive && active.includes(path);
    box.classList.toggle('here', isInnermost);
    if (isInnermost) innermost = box;
  }
  for (const edge of drawing.querySelectorAll('[data-edges]')) {
    const isLit = (edge.getAttribute('data-edges') ?? '').split(' ').some((id) => taken.has(id));
    edge.classList.toggle('lit', isLit);
  }
  return innermost;
}

/** The description of a state, or of its nearest parent that has one. @param {Chart} chart @param {string} path */
export function describe(chart, path) {
  const around = chart.states.filter(
    (state) => state.path !== '' && (path === state.path || path.startsWith(`${state.path}.`)),
  );
  return around.findLast(({ description }) => description !== null)?.description ?? '';
}
