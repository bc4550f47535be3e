/** Tells assistive technology which option of a list is chosen: the focus stays on the list itself. */

/** @param {HTMLElement} list options are its children; the chosen one has `aria-selected` */
export function tellChosen(list) {
  const id = `${list.id}-chosen`;
  const tell = () => {
    const chosen = list.querySelector(':scope > [aria-selected="true"]');
    for (const before of list.querySelectorAll(`:scope > #${id}`)) before.removeAttribute('id');
    if (!chosen) return list.removeAttribute('aria-activedescendant');
    chosen.id = id;
    list.setAttribute('aria-activedescendant', id);
  };
  new MutationObserver(tell).observe(list, { childList: true, subtree: true, attributeFilter: ['aria-selected'] });
}
