/** Switches between light, dark and the system's colours. Stores the choice in the browser. */

const KEY = 'parley-inspect-theme';
const THEMES = /** @type {const} */ (['auto', 'light', 'dark']);
const LABELS = { auto: ['Auto', 'like the system'], light: ['Light', 'light'], dark: ['Dark', 'dark'] };

/** @param {HTMLButtonElement} button */
export function createTheme(button) {
  let theme = THEMES.find((each) => each === localStorage.getItem(KEY)) ?? 'auto';
  const show = () => {
    document.documentElement.dataset['theme'] = theme;
    const [word = '', long = ''] = LABELS[theme];
    button.textContent = word;
    button.setAttribute('aria-label', `Colours: ${long}`);
  };
  button.addEventListener('click', () => {
    theme = THEMES[(THEMES.indexOf(theme) + 1) % THEMES.length] ?? 'auto';
    localStorage.setItem(KEY, theme);
    show();
  });
  show();
}
