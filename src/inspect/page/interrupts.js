/**
 * Shows what the conversation asks people at present, and sends their answers as requests of the chat protocol. Asks the
 * server again when the log says that something was asked, answered or ended.
 */
import { chatRequest } from './chat-request.js';
import { byId } from './element.js';
import { createQuestion } from './interrupt-card.js';
import { ask, Refused } from './api.js';
import { clock, duration } from './times.js';

/** Rows after which other questions are open than before. */
const NEWS = new Set([
  'approval_request',
  'elicitation_request',
  'sampling_request',
  'response',
  'tool_result',
  'turn_end',
]);
const TICK_MS = 1000;

/**
 * @typedef {import('./conversations.js').Ref} Ref
 * @typedef {import('./interrupt-card.js').Question} Question
 */

/** @param {{ endpoint(): string }} given path of the chat protocol's WebSocket */
export function createWaiting({ endpoint }) {
  const place = byId('waiting', HTMLElement);
  /** @type {Ref | null} */
  let looking = null;
  /** Cards by interrupt: made once, so that nothing is lost of what a person types. @type {Map<string, { card: HTMLElement, times: HTMLElement, question: Question }>} */
  const cards = new Map();
  /** Answers that come after a newer request are dropped. */
  let asked = 0;

  const tick = () => {
    for (const { times, question } of cards.values()) {
      const now = Date.now();
      times.textContent = `Since ${clock(question.since_ms)} (${duration(now - question.since_ms)}), until ${clock(question.until_ms)} (${question.until_ms > now ? `${duration(question.until_ms - now)} left` : 'over'})`;
    }
  };
  setInterval(tick, TICK_MS);

  /** @param {Ref} ref @param {Question} question @param {boolean} mayAnswer @param {string} owner */
  const show = async (ref, question, mayAnswer, owner) => {
    // The owner reads the question itself with its own rights: what viewers see may be cut, or hidden.
    let whole = question;
    let why = mayAnswer
      ? null
      : `Only its owner, ${owner}, can answer: sign in with a token of ${owner}, or answer in a chat client.`;
    try {
      if (mayAnswer) whole = await ownQuestion(endpoint(), ref, question);
    } catch (error) {
      why = `It cannot be answered here. ${error instanceof Error ? error.message : String(error)}`;
    }
    const made = createQuestion(whole, why, async (answer) => {
      const { accepted, already } = await chatRequest(endpoint(), 'respond', {
        conversation_id: ref.id,
        interrupt_id: question.interrupt_id,
        ...answer,
      });
      await refresh();
      if (!accepted) throw new Error(`This was decided already: ${already?.decision}.`);
    });
    return { ...made, question: whole };
  };

  const refresh = async () => {
    const ref = looking;
    if (!ref) return;
    asked += 1;
    const mine = asked;
    try {
      /** @type {{ subject: string, may_answer: boolean, questions: Question[] }} */
      const told = await ask('questions', { conversation: ref.id, owner: ref.owner });
      if (mine !== asked) return;
      const open = new Set(told.questions.map(({ interrupt_id: id }) => id));
      for (const [id, { card }] of cards) {
        if (open.has(id)) continue;
        card.remove();
        cards.delete(id);
      }
      for (const question of told.questions) {
        if (cards.has(question.interrupt_id)) continue;
        const made = await show(ref, question, told.may_answer, ref.owner ?? told.subject);
        if (mine !== asked) return;
        cards.set(question.interrupt_id, made);
        place.append(made.card);
      }
      place.hidden = cards.size === 0;
      tick();
    } catch (error) {
      // The list of conversations says that the server is away; it is asked again when it is back.
      if (!(error instanceof Refused)) return;
    }
  };

  return {
    /** @param {Ref} ref */
    begin(ref) {
      looking = ref;
      cards.clear();
      place.replaceChildren();
      place.hidden = true;
      void refresh();
    },
    refresh,
    /** @param {readonly import('./record.js').Row[]} rows */
    onNews(rows) {
      if (rows.some(({ type }) => NEWS.has(type))) void refresh();
    },
  };
}

/** The question with its whole content, from its row. @param {string} endpoint @param {Ref} ref @param {Question} question @returns {Promise<Question>} */
async function ownQuestion(endpoint, ref, question) {
  const { events } = await chatRequest(endpoint, 'history', {
    conversation_id: ref.id,
    before_seq: question.seq + 1,
    limit: 1,
  });
  const extra = events[0]?.extra ?? {};
  return { ...question, asked: question.kind === 'approval' ? extra.arguments : extra.ask };
}
