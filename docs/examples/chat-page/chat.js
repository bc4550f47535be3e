import { connect } from './client/client.ts';

const find = (selector) => document.querySelector(selector);
const server = new URLSearchParams(location.search).get('server') ?? 'ws://localhost:8000/ws/chat';
const client = connect(server, { onStatus: ({ status }) => (find('#status').textContent = status) });

// The same conversation after a reload of the page.
const conversationId = (localStorage.conversationId ??= crypto.randomUUID());

function show(role, text) {
  const paragraph = document.createElement('p');
  paragraph.className = role;
  paragraph.textContent = text;
  find('#messages').append(paragraph);
  return paragraph;
}

// Rows that the server has stored: messages of the user and of the assistant.
const { events } = await client.history(conversationId).catch(() => ({ events: [] }));
for (const { role, content } of events) if (content && (role === 'user' || role === 'assistant')) show(role, content);

find('form').addEventListener('submit', async (event) => {
  event.preventDefault();
  const text = find('input').value;
  event.target.reset();
  show('user', text);
  const turn = client.chat(text, { conversationId });
  const answer = show('assistant', '');
  find('#stop').hidden = false;
  find('#stop').onclick = () => turn.cancel();
  try {
    for await (const chunk of turn) {
      if (chunk.type === 'text') answer.textContent += chunk.data;
      if (chunk.type === 'reset') answer.textContent = '';
      if (chunk.type === 'tool_call') answer.before(show('tool', `calls ${chunk.name}: ${chunk.data}`));
    }
  } catch (error) {
    show('error', error.message);
  }
  find('#stop').hidden = true;
});
