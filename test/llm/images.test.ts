/** Tests images in an answer: they become text that says what came, and their data never reaches the log. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { imageText } from '../../src/llm/stream/images.ts';
import { answersWith, delta, done, finish, streams, usage, type Part } from '../support/model/replies.ts';
import { startScripted } from '../support/parley.ts';

const base64 = 'A'.repeat(400_000);
const png = `data:image/png;base64,${base64}`;
const shown = '[The model sent an image (image/png, 293 KB), which Parley does not show.]';
const link = (url: string) => ({ type: 'image_url', image_url: { url } });

describe('an image', () => {
  const cases: Record<string, [image: unknown, text: string | undefined]> = {
    'of a data URL': [link(png), shown],
    'of a data URL, not in an object': [{ type: 'image_url', image_url: png }, shown],
    'of base64': [{ type: 'image', data: 'AAAA' }, '[The model sent an image (3 bytes), which Parley does not show.]'],
    'of base64 under b64_json': [
      { b64_json: 'AAAA' },
      '[The model sent an image (3 bytes), which Parley does not show.]',
    ],
    'on the web': [link('https://images.example/a(1).png?x=1'), '![image](https://images.example/a%281%29.png?x=1)'],
    'without TLS': [
      link('http://10.0.0.1/a.png'),
      '[The model sent an image (at an address that is no https URL), which Parley does not show.]',
    ],
    'of a script': [
      link('javascript:alert(1)'),
      '[The model sent an image (at an address that is no https URL), which Parley does not show.]',
    ],
    'without data': [{ type: 'image' }, '[The model sent an image (no data), which Parley does not show.]'],
    'that is a text': [{ type: 'text', text: 'Hi' }, undefined],
    'that is no object': ['x', undefined],
  };
  for (const [what, [image, text]] of Object.entries(cases))
    test(`${what} is described`, () => assert.equal(imageText(image)?.text, text));

  test('with an endless address is no link', () => {
    assert.doesNotMatch(imageText(link(`https://a.example/${'x'.repeat(9_000)}`))?.text ?? '', /xxx/);
  });
});

describe('an answer', () => {
  const end = [finish('stop'), usage(), done()];
  const kinds: Record<string, [parts: Part[], text: string]> = {
    'of an image alone': [[delta({ role: 'assistant', content: '', images: [link(png)] })], shown],
    'of two images': [[delta({ images: [link(png)] }), delta({ images: [link(png)] })], `${shown}\n\n${shown}`],
    'with an image between words': [
      [delta({ content: 'Here:' }), delta({ images: [link('https://a.example/b.png')] }), delta({ content: 'Nice?' })],
      'Here:\n\n![image](https://a.example/b.png)\n\nNice?',
    ],
    'with an image among the parts of its content': [
      [delta({ content: [{ type: 'text', text: 'Here:' }, link(png)] })],
      `Here:\n\n${shown}`,
    ],
    'in sound, with its words': [[delta({ audio: { id: 'a', transcript: 'Hello.' } })], 'Hello.'],
  };
  for (const [what, [parts, text]] of Object.entries(kinds))
    test(`${what} is not empty`, async (t) => {
      const { client, model } = await startScripted(t);
      model.script(streams(parts, end));
      const turn = await client.chat('Draw', { conversation_id: 'c1' });
      assert.deepEqual([turn.end.status, turn.text], ['complete', text]);
      assert.equal(model.requests.length, 1);
      const { result } = await client.ask('history', { conversation_id: 'c1' });
      assert.ok(JSON.stringify(result).length < 4_000, 'no data is in the log');
    });

  test('with images that is one JSON text is not empty', async (t) => {
    const { client, model } = await startScripted(t);
    const message = { role: 'assistant', content: null, images: [link(png)] };
    model.script(answersWith('application/json', JSON.stringify({ choices: [{ message, finish_reason: 'stop' }] })));
    assert.equal((await client.chat('Draw')).text, shown);
  });

  test('with more data than any answer has fails', async (t) => {
    const { client, model } = await startScripted(t, { config: { llm: { retry: { attempts: 1 } } } });
    const large = delta({ images: [link(`data:image/png;base64,${'A'.repeat(6 * 1024 * 1024)}`)] });
    model.script(streams(large, large, large, end));
    assert.match((await client.chat('Draw')).end.error?.message ?? '', /more than an answer may hold/);
  });
});
