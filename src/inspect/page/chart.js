/**
 * Shows a chart that the server has drawn: puts it on the page once, then only changes classes. Which states are
 * active and which transitions were taken last is told by the caller.
 */

/**
 * @typedef {{ id: string, name: string, path: string, description: string | null, transitions: { event: string, guard: string | null }[] }} State
 * @typedef {{ id: string, states: State[], svg: { small: string, labelled: string, flat: string } }} Chart
 */

/** The drawing as an element; parsed as SVG, so that it can hold no script that runs. @param {string} svg */
export function drawn(svg) {
  const parsed = new DOMParser().parseFromString(svg, 'image/svg+xml').documentElement;
  return document.importNode(parsed, true);
}

/**
 * Lights what is active. Returns the innermost active state's element, null where the state is not on the chart.
 * @param {Element} drawing
 * @param {string} state dotted; several, of a parallel chart, with spaces between
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

/** What a state is for, in its chart's own words. @param {Chart} chart @param {string} path */
export function describe(chart, path) {
  const around = chart.states.filter(
    (state) => state.path !== '' && (path === state.path || path.startsWith(`${state.path}.`)),
  );
  return around.findLast(({ description }) => description !== null)?.description ?? '';
}
