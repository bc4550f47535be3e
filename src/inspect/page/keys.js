/**
 * Handles the keys of the whole page. Keys do nothing while a person types or a dialog is open. Escape leaves a field and
 * returns the focus to its previous element.
 */

/** @typedef {Readonly<Record<string, () => void>>} Keys by `KeyboardEvent.key`; an arrow key with Shift has the prefix `Shift+` */

/** Types of `<input>` that take no text. */
const WITHOUT_TEXT = new Set(['range', 'checkbox', 'radio', 'button', 'submit']);

/** @param {EventTarget | null} target */
function isTextField(target) {
  if (target instanceof HTMLInputElement) return !WITHOUT_TEXT.has(target.type);
  return (
    target instanceof HTMLTextAreaElement ||
    target instanceof HTMLSelectElement ||
    (target instanceof HTMLElement && target.isContentEditable)
  );
}

/** True if the element itself uses Space. @param {EventTarget | null} target */
function isPressable(target) {
  return (
    target instanceof Element &&
    target.closest('button, summary, a[href], input[type=checkbox], input[type=radio]') !== null
  );
}

/** @param {Keys} keys @param {HTMLElement} home gets the focus if no element had it before */
export function onKeys(keys, home) {
  /** The element that had the focus before the text field. @type {Element | null} */
  let before = null;
  document.addEventListener('focusin', ({ target, relatedTarget }) => {
    if (isTextField(target))
      before = relatedTarget instanceof Element && !isTextField(relatedTarget) ? relatedTarget : null;
  });
  document.addEventListener('keydown', (event) => {
    const { target, key } = event;
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || document.querySelector('dialog[open]'))
      return;
    if (isTextField(target)) {
      if (key !== 'Escape') return;
      // Prevents browsers from clearing a search field.
      event.preventDefault();
      const back = before instanceof HTMLElement || before instanceof SVGElement ? before : home;
      (back.isConnected ? back : home).focus();
      return;
    }
    if (key === ' ' && isPressable(target)) return;
    const work =
      keys[event.shiftKey && key.startsWith('Arrow') ? `Shift+${key}` : key.length === 1 ? key.toLowerCase() : key];
    if (!work) return;
    event.preventDefault();
    work();
  });
}
