/** Light, dark, or as the system has it; remembered on this machine. */

const KEY = 'parley-inspect-theme';
const THEMES = /** @type {const} */ (['auto', 'light', 'dark']);
const WORDS = { auto: ['Auto', 'as the system has them'], light: ['Light', 'light'], dark: ['Dark', 'dark'] };

/** @param {HTMLButtonElement} button */
export function createTheme(button) {
  let theme = THEMES.find((each) => each === localStorage.getItem(KEY)) ?? 'auto';
  const show = () => {
    document.documentElement.dataset['theme'] = theme;
    const [word = '', long = ''] = WORDS[theme];
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
