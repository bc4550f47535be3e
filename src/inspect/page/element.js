/** Creates and finds elements. Data from the server is always inserted as text, never parsed as markup. */

/**
 * @template {keyof HTMLElementTagNameMap} Tag
 * @param {Tag} tag
 * @param {Record<string, string>} [attributes]
 * @param {...(Node | string)} children
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

/**
 * Returns the element with this id and class. Throws if the page lacks it, which is a bug.
 * @template {HTMLElement} Kind
 * @param {string} id
 * @param {new () => Kind} kind
 */
export function byId(id, kind) {
  const found = document.getElementById(id);
  if (!(found instanceof kind)) throw new Error(`the page has no ${id}`);
  return found;
}

/** @param {HTMLElement} button @param {boolean} pressed */
export function press(button, pressed) {
  button.setAttribute('aria-pressed', String(pressed));
}

/** Calls `move` for the keys up and down in a list. @param {HTMLElement} list @param {(step: -1 | 1) => void} move */
export function onArrows(list, move) {
  list.addEventListener('keydown', (event) => {
    if ((event.key !== 'ArrowUp' && event.key !== 'ArrowDown') || event.shiftKey) return;
    event.preventDefault();
    move(event.key === 'ArrowDown' ? 1 : -1);
  });
}

/**
 * Announces the chosen option of a list to assistive technology: the focus stays on the list itself.
 * @param {HTMLElement} list options are its children; the chosen one has `aria-selected`
 */
export function announceChosen(list) {
  const id = `${list.id}-chosen`;
  const announce = () => {
    const chosen = list.querySelector(':scope > [aria-selected="true"]');
    for (const before of list.querySelectorAll(`:scope > #${id}`)) before.removeAttribute('id');
    if (!chosen) return list.removeAttribute('aria-activedescendant');
    chosen.id = id;
    list.setAttribute('aria-activedescendant', id);
  };
  new MutationObserver(announce).observe(list, { childList: true, subtree: true, attributeFilter: ['aria-selected'] });
}
