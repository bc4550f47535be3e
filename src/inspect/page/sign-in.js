/** Signs a viewer in: takes a token, checks it with the server, and deletes it at sign-out. */
import { byId, press } from './element.js';
import { callApi, Fault, token } from './api.js';

/** The text to show for an error of the server. @param {Fault} fault */
function reasonOf({ status, message }) {
  if (status !== 401) return message;
  return token.get() === null ? '' : 'The server does not accept this token.';
}

/** Returns a function that opens the sign-in dialog. */
export function createSignIn() {
  const [page, form] = [byId('sign-in', HTMLDialogElement), byId('sign-in-form', HTMLFormElement)];
  const [field, reveal] = [byId('token', HTMLInputElement), byId('token-show', HTMLButtonElement)];
  const [error, submit] = [byId('sign-in-error', HTMLParagraphElement), byId('sign-in-submit', HTMLButtonElement)];
  const signOut = byId('sign-out', HTMLButtonElement);

  /** @param {string} text empty to hide it */
  const showProblem = (text) => {
    error.textContent = text;
    error.hidden = text === '';
    field.setAttribute('aria-invalid', String(text !== ''));
  };
  /** @param {boolean} isShown */
  const show = (isShown) => {
    field.type = isShown ? 'text' : 'password';
    reveal.textContent = isShown ? 'Hide' : 'Show';
    press(reveal, isShown);
  };

  signOut.hidden = token.get() === null;
  signOut.addEventListener('click', () => {
    token.clear();
    location.reload();
  });
  reveal.addEventListener('click', () => show(field.type === 'password'));
  // The page is empty without a token, so Escape must not close the dialog.
  page.addEventListener('cancel', (event) => event.preventDefault());
  page.addEventListener('close', () => page.showModal());
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    submit.disabled = true;
    token.set(field.value.trim());
    try {
      await callApi('conversations');
      // The address contains the whole state of the page.
      location.reload();
    } catch (error) {
      showProblem(error instanceof Fault ? reasonOf(error) : 'The server does not respond. Try again.');
      token.clear();
      submit.disabled = false;
      show(false);
      field.select();
    }
  });

  /** @param {Fault} fault */
  return (fault) => {
    if (page.open) return;
    showProblem(reasonOf(fault));
    token.clear();
    signOut.hidden = true;
    page.showModal();
    field.focus();
  };
}
