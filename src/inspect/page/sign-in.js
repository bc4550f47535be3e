/** Asks for the token of a viewer, checks it with the server, and forgets it when the person signs out. */
import { byId, press } from './element.js';
import { ask, Refused, token } from './api.js';

/** What to read out when the server refused. @param {Refused} refused */
function reasonOf({ status, message }) {
  if (status !== 401) return message;
  return token.get() === null ? '' : 'This token is not accepted.';
}

/** Returns a function that opens the page for signing in. */
export function createSignIn() {
  const [page, form] = [byId('sign-in', HTMLDialogElement), byId('sign-in-form', HTMLFormElement)];
  const [field, reveal] = [byId('token', HTMLInputElement), byId('token-show', HTMLButtonElement)];
  const [error, submit] = [byId('sign-in-error', HTMLParagraphElement), byId('sign-in-submit', HTMLButtonElement)];
  const signOut = byId('sign-out', HTMLButtonElement);

  /** @param {string} words */
  const complain = (words) => {
    error.textContent = words;
    error.hidden = words === '';
    field.setAttribute('aria-invalid', String(words !== ''));
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
  // There is nothing behind it to go back to.
  page.addEventListener('cancel', (event) => event.preventDefault());
  page.addEventListener('close', () => page.showModal());
  form.addEventListener('submit', async (event) => {
    event.preventDefault();
    submit.disabled = true;
    token.set(field.value.trim());
    try {
      await ask('conversations');
      // All that the page shows is in its address.
      location.reload();
    } catch (refused) {
      complain(refused instanceof Refused ? reasonOf(refused) : 'The server does not answer. Try again.');
      token.clear();
      submit.disabled = false;
      show(false);
      field.select();
    }
  });

  /** @param {Refused} refused */
  return (refused) => {
    if (page.open) return;
    complain(reasonOf(refused));
    token.clear();
    signOut.hidden = true;
    page.showModal();
    field.focus();
  };
}
