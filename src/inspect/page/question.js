/**
 * Shows one question to a person, with the ways to answer it: a call to approve, or a server's form or page. Knows
 * neither the list of questions nor the connection.
 */
import { element } from './element.js';
import { createForm } from './form.js';

/**
 * `asked` is the question's own content: the arguments of a call, or what the server asks; null where it is not shown.
 * @typedef {{ interrupt_id: string, kind: 'approval' | 'sampling' | 'form' | 'url', seq: number, name: string, tool_name: string,
 *   server: string, since_ms: number, until_ms: number, asked: any }} Question
 * @typedef {{ decision: string, reason?: string, arguments?: object, content?: object, remember?: boolean }} Answer
 */

/**
 * What can be answered. `answer` rejects with words for the person. With `why` nothing can be, for that reason.
 * @param {Question} question @param {string | null} why @param {(answer: Answer) => Promise<void>} answer
 */
export function createQuestion(question, why, answer) {
  const problem = element('p', { class: 'problem', role: 'alert', hidden: '' });
  const ways = waysOf(
    question,
    (words) => {
      problem.textContent = words;
      problem.hidden = words === '';
    },
    answer,
  );
  const times = element('p', { class: 'note' });
  const card = element(
    'form',
    {
      class: 'question',
      'data-kind': question.kind,
      'data-interrupt': question.interrupt_id,
      'aria-label': titleOf(question),
    },
    element('h3', {}, titleOf(question)),
    times,
    ...contentOf(question),
    ...(why === null ? [...ways, problem] : [element('p', { class: 'note why' }, why)]),
  );
  card.addEventListener('submit', (event) => event.preventDefault());
  return { card, times };
}

/** @param {Question} question */
export function titleOf({ kind, name, server }) {
  if (kind === 'approval') return `May ${name} of server ${server} be called?`;
  if (kind === 'sampling') return `Server ${server} wants to ask the model (${name})`;
  return kind === 'url'
    ? `Server ${server} wants you to visit a page (${name})`
    : `Server ${server} asks you (${name})`;
}

/** @param {Question} question */
function contentOf({ kind, asked }) {
  if (asked === null || asked === undefined)
    return [element('p', { class: 'note' }, 'Its content is hidden: inspect.include_content is off for viewers.')];
  if (kind === 'form' || kind === 'url') return [element('p', { class: 'words' }, String(asked.message ?? ''))];
  const shown = kind === 'sampling' ? (asked.request ?? asked) : asked;
  return [
    element(
      'pre',
      {
        class: 'asked',
        tabindex: '0',
        'aria-label': kind === 'sampling' ? 'What the model would be asked' : 'Arguments',
      },
      JSON.stringify(shown, null, 2),
    ),
  ];
}

/** @param {Question} question @param {(words: string) => void} complain @param {(answer: Answer) => Promise<void>} answer @returns {HTMLElement[]} */
function waysOf(question, complain, answer) {
  /** @type {HTMLButtonElement[]} */
  const buttons = [];
  /** @param {() => Answer} make throws with words for the person */
  const send = async (make) => {
    complain('');
    try {
      const made = make();
      for (const button of buttons) button.disabled = true;
      await answer(made);
    } catch (error) {
      complain(error instanceof Error ? error.message : String(error));
      for (const button of buttons) button.disabled = false;
    }
  };
  /** @param {string} words @param {string} kind @param {() => Answer} make */
  const button = (words, kind, make) => {
    const made = element('button', { type: 'button', class: kind }, words);
    made.addEventListener('click', () => void send(make));
    buttons.push(made);
    return made;
  };
  if (question.kind === 'form') {
    const form = createForm(question.asked?.schema ?? {});
    return [
      element('div', { class: 'fields' }, ...form.fields),
      element(
        'div',
        { class: 'ways' },
        button('Send', 'main', () => {
          const found = form.problem();
          if (found !== null) throw new Error(found);
          return { decision: 'answer', content: form.read() };
        }),
        button('Decline', 'bad', () => ({ decision: 'decline' })),
        button('Cancel', '', () => ({ decision: 'cancel' })),
      ),
    ];
  }
  if (question.kind === 'url') {
    return [
      ...pageOf(String(question.asked?.url ?? '')),
      element(
        'div',
        { class: 'ways' },
        button('Done', 'main', () => ({ decision: 'answer' })),
        button('Decline', 'bad', () => ({ decision: 'decline' })),
        button('Cancel', '', () => ({ decision: 'cancel' })),
      ),
    ];
  }
  const reason = element('input', {
    type: 'text',
    name: 'reason',
    maxlength: '1000',
    autocomplete: 'off',
    placeholder: 'Reason for a denial, for the model',
    'aria-label': 'Reason for a denial',
  });
  const because = () => (reason.value.trim() === '' ? {} : { reason: reason.value.trim() });
  if (question.kind === 'sampling') {
    return [
      element(
        'div',
        { class: 'ways' },
        button('Approve', 'main', () => ({ decision: 'approve' })),
        button('Deny', 'bad', () => ({ decision: 'deny', ...because() })),
        reason,
      ),
    ];
  }
  const remember = element('input', { type: 'checkbox', name: 'remember' });
  const edit = element('textarea', {
    name: 'arguments',
    rows: '5',
    spellcheck: 'false',
    'aria-label': 'Arguments as JSON',
  });
  edit.value = JSON.stringify(question.asked, null, 2);
  const kept = () => (remember.checked ? { remember: true } : {});
  const editing = element('details', { class: 'edit' }, element('summary', {}, 'Change the arguments'), edit);
  return [
    editing,
    element('label', { class: 'check' }, remember, element('span', {}, 'Remember for this conversation')),
    element(
      'div',
      { class: 'ways' },
      button('Approve', 'main', () => ({
        decision: 'approve',
        ...kept(),
        ...(editing.open ? { arguments: readObject(edit.value) } : {}),
      })),
      button('Deny', 'bad', () => ({ decision: 'deny', ...kept(), ...because() })),
      reason,
    ),
  ];
}

/** A link that says where it leads. @param {string} url */
function pageOf(url) {
  const { protocol } = URL.parse(url) ?? {};
  // A script is no page: only what the protocol promises is a link.
  if (protocol !== 'https:' && protocol !== 'http:')
    return [element('p', { class: 'problem' }, 'The address of the page is not valid.')];
  return [element('a', { class: 'page', href: url, target: '_blank', rel: 'noopener noreferrer' }, url)];
}

/** @param {string} text @returns {object} */
function readObject(text) {
  let value = null;
  try {
    value = JSON.parse(text);
  } catch {
    // Told below.
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Error('The arguments must be a JSON object.');
  return value;
}
