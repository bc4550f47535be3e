/**
 * Lists the dialects of OpenAI's chat completions that Parley understands: the providers, the public source, the scripted
 * answer and the expected result. docs/reference/providers.md shows this table. A new dialect is first a row here.
 */
import {
  answersWith,
  comment,
  data,
  delta,
  done,
  errorChunk,
  fails,
  finish,
  says,
  scriptedUsage,
  streams,
  text,
  usage,
  type Part,
  type Reply,
} from '../support/model/replies.ts';
import { asks, type Dialect } from '../support/model/tool-calls.ts';

export interface DialectRow {
  dialect: string;
  speakers: string;
  /** The public source. */
  source: string;
  reply: Reply;
  /** What is not named is as in a plain answer without words. */
  gives:
    | { text?: string; reasoning?: string; calls?: string[]; finishReason?: string; usage?: object | null }
    | { text?: string; fault: string };
}

const openai = 'https://platform.openai.com/docs/api-reference/chat-streaming';
const openRouter = 'https://openrouter.ai/docs/api/reference/errors-and-debugging';

const two = [
  { name: 'add', arguments: { a: 1, b: 2 } },
  { name: 'look', arguments: { at: 'x'.repeat(12) } },
];
const calls = two.map((call) => `${call.name} ${JSON.stringify(call.arguments)}`);
const asked = (dialect: Dialect) => ({ reply: asks(two, { dialect }), gives: { calls } });
const bare = (argumentsOf: unknown) => ({
  reply: streams(
    delta({ tool_calls: [{ index: 0, id: 'a', type: 'function', function: { name: 'now', arguments: argumentsOf } }] }),
    finish('tool_calls'),
    done(),
  ),
});
const once = (...parts: (Part | readonly Part[])[]) => streams(...parts, done());
const words = (fields: Record<string, unknown>) => once(delta(fields), text('Yes.'), finish('stop'));

export const toolCallDialects: readonly DialectRow[] = [
  { dialect: 'calls by index, arguments in pieces', speakers: 'OpenAI', source: openai, ...asked('split') },
  {
    dialect: 'a call whole in one delta',
    speakers: 'Mistral',
    source: 'https://github.com/openclaw/openclaw/pull/130532',
    ...asked('whole'),
  },
  {
    dialect: 'no index',
    speakers: 'Gemini',
    source: 'https://github.com/openai/openai-python/issues/2806',
    ...asked('indexless'),
  },
  {
    dialect: 'no index, arguments in pieces',
    speakers: 'gateways to Gemini',
    source: 'https://github.com/AstrBotDevs/AstrBot/issues/6661',
    ...asked('indexless_split'),
  },
  {
    dialect: 'every call under index 0',
    speakers: 'Ollama',
    source: 'https://github.com/ollama/ollama/issues/15457',
    ...asked('same_index'),
  },
  {
    dialect: 'id and name again in every delta',
    speakers: 'DeepSeek, Qwen; MiniMax at NVIDIA',
    source: 'https://github.com/langchain4j/langchain4j/pull/4544',
    ...asked('repeated_id'),
  },
  {
    dialect: 'another id in every delta',
    speakers: 'Poolside',
    source: 'https://github.com/poolsideai/pool/issues/9',
    reply: once(
      ['a', 'b', 'c'].map((id, at) =>
        delta({
          tool_calls: [
            {
              index: 0,
              id,
              function: at === 0 ? { name: 'add', arguments: '' } : { arguments: ['{"a":1,', '"b":2}'][at - 1] },
            },
          ],
        }),
      ),
      finish('tool_calls'),
    ),
    gives: { calls: ['add {"a":1,"b":2}'] },
  },
  {
    dialect: 'the name in pieces',
    speakers: 'gateways to Gemini',
    source: 'https://github.com/continuedev/continue/pull/5849',
    ...asked('name_in_pieces'),
  },
  {
    dialect: 'empty arguments',
    speakers: 'Ollama, vLLM, LM Studio',
    source: 'https://github.com/cheshire-cat-ai/core/pull/1140',
    ...bare(''),
    gives: { calls: ['now {}'] },
  },
  {
    dialect: 'arguments `null`',
    speakers: 'some servers',
    source: 'https://github.com/langchain-ai/langchain/pull/34242',
    ...bare(null),
    gives: { calls: ['now {}'] },
  },
  {
    dialect: 'arguments as an object',
    speakers: 'gateways to Ollama',
    source: 'https://github.com/BerriAI/litellm/pull/37792',
    ...bare({ zone: 'UTC' }),
    gives: { calls: ['now {"zone":"UTC"}'] },
  },
  {
    dialect: '`stop` after calls',
    speakers: 'Gemini',
    source: 'https://github.com/googleapis/python-genai/issues/2868',
    reply: asks(two, { finish: 'stop' }),
    gives: { calls },
  },
  {
    dialect: 'words before and between the calls',
    speakers: 'vLLM',
    source: 'https://github.com/ai-dynamo/dynamo/pull/4723',
    reply: asks(two, { dialect: 'whole', say: 'Let me see.' }),
    gives: { text: 'Let me see.', calls },
  },
  {
    dialect: '`function_call`, from before there were several',
    speakers: 'older servers',
    source: 'https://platform.openai.com/docs/api-reference/chat/create',
    reply: once(
      delta({ function_call: { name: 'add', arguments: '' } }),
      delta({ function_call: { arguments: '{"a":1}' } }),
      finish('function_call'),
    ),
    gives: { calls: ['add {"a":1}'] },
  },
];

export const wordDialects: readonly DialectRow[] = [
  {
    dialect: 'no role',
    speakers: 'gateways, Databricks',
    source: 'https://github.com/langwatch/langwatch/issues/6196',
    reply: once(text('Yes.'), finish('stop')),
    gives: { text: 'Yes.' },
  },
  {
    dialect: 'a first chunk without choices',
    speakers: 'Azure',
    source: 'https://github.com/pydantic/pydantic-ai/issues/164',
    reply: once(data('{"choices":[],"model":"","prompt_filter_results":[]}'), text('Yes.'), finish('stop')),
    gives: { text: 'Yes.' },
  },
  {
    dialect: 'a choice without `delta`',
    speakers: 'Azure',
    source: 'https://github.com/microsoft/autogen/issues/6465',
    reply: once(
      text('Yes.'),
      data('{"choices":[{"index":0,"finish_reason":null,"content_filter_offsets":{}}]}'),
      finish('stop'),
    ),
    gives: { text: 'Yes.' },
  },
  {
    dialect: 'an empty finish reason in every chunk',
    speakers: 'older Ollama',
    source: 'https://github.com/ollama/ollama/issues/4357',
    reply: once(delta({ content: 'Yes' }, ''), delta({ content: '.' }, ''), finish('stop')),
    gives: { text: 'Yes.' },
  },
  {
    dialect: 'two finishes',
    speakers: 'SGLang, OpenRouter',
    source: 'https://github.com/QwenLM/qwen-code/pull/2403',
    reply: once(text('Yes.'), finish('length'), finish('stop')),
    gives: { text: 'Yes.', finishReason: 'length' },
  },
  {
    dialect: 'a finish in every chunk',
    speakers: 'LM Studio',
    source: 'https://github.com/Gitlawb/openclaude/pull/21',
    reply: once(delta({ content: 'Yes' }, 'stop'), delta({ content: '.' }, 'stop')),
    gives: { text: 'Yes.' },
  },
  {
    dialect: 'keep-alive comments',
    speakers: 'OpenRouter',
    source: 'https://openrouter.ai/docs/api-reference/streaming',
    reply: once(comment('OPENROUTER PROCESSING'), text('Yes.'), comment('OPENROUTER PROCESSING'), finish('stop')),
    gives: { text: 'Yes.' },
  },
  {
    dialect: 'a refusal',
    speakers: 'OpenAI',
    source: 'https://platform.openai.com/docs/guides/structured-outputs',
    reply: once(delta({ refusal: 'I cannot.' }), finish('stop')),
    gives: { text: 'I cannot.' },
  },
  {
    dialect: 'images',
    speakers: 'OpenRouter',
    source: 'https://openrouter.ai/docs/features/multimodal/image-generation',
    reply: once(
      delta({
        content: '',
        images: [{ type: 'image_url', image_url: { url: `data:image/png;base64,${'A'.repeat(4096)}` } }],
      }),
      finish('stop'),
    ),
    gives: { text: '[The model sent an image (image/png, 3 KB), which Parley does not show.]' },
  },
  {
    dialect: 'finish `length`',
    speakers: 'OpenAI',
    source: openai,
    reply: once(text('Yes'), finish('length')),
    gives: { text: 'Yes', finishReason: 'length' },
  },
  {
    dialect: 'finish `MAX_TOKENS`',
    speakers: 'Gemini, through gateways',
    source: 'https://github.com/epam/ai-dial-adapter-vertexai/pull/440',
    reply: once(text('Yes'), finish('MAX_TOKENS')),
    gives: { text: 'Yes', finishReason: 'length' },
  },
  {
    dialect: 'finish `content_filter`',
    speakers: 'Azure',
    source: 'https://learn.microsoft.com/azure/ai-foundry/openai/concepts/content-filter',
    reply: once(text('Yes'), finish('content_filter')),
    gives: { text: 'Yes', finishReason: 'content_filter' },
  },
  {
    dialect: 'the whole completion as JSON, though a stream was asked for',
    speakers: 'gateways that cannot stream',
    source: 'https://platform.openai.com/docs/api-reference/chat/object',
    reply: answersWith('application/json', '{"choices":[{"message":{"content":"Yes."},"finish_reason":"stop"}]}'),
    gives: { text: 'Yes.' },
  },
];

export const thoughtDialects: readonly DialectRow[] = [
  {
    dialect: '`reasoning_content`',
    speakers: 'DeepSeek, Moonshot, llama.cpp',
    source: 'https://api-docs.deepseek.com/guides/thinking_mode',
    reply: words({ content: null, reasoning_content: 'Hm.' }),
    gives: { text: 'Yes.', reasoning: 'Hm.' },
  },
  {
    dialect: '`reasoning`',
    speakers: 'vLLM, Ollama, Groq',
    source: 'https://docs.vllm.ai/en/v0.11.2/features/reasoning_outputs/',
    reply: words({ reasoning: 'Hm.' }),
    gives: { text: 'Yes.', reasoning: 'Hm.' },
  },
  {
    dialect: '`thinking`',
    speakers: 'some gateways',
    source: 'https://github.com/aula-id/koma/pull/45',
    reply: words({ thinking: 'Hm.' }),
    gives: { text: 'Yes.', reasoning: 'Hm.' },
  },
  {
    dialect: 'the same thoughts under two names',
    speakers: 'OpenRouter',
    source: 'https://github.com/braintrustdata/braintrust-sdk-javascript/issues/1883',
    reply: words({
      reasoning: 'Hm.',
      reasoning_content: 'Hm.',
      reasoning_details: [{ type: 'reasoning.text', text: 'Hm.' }],
    }),
    gives: { text: 'Yes.', reasoning: 'Hm.' },
  },
  {
    dialect: '`<think>` in the content',
    speakers: 'servers without a parser for reasoning',
    source: 'https://github.com/mudler/LocalAI/issues/4761',
    reply: once(text('<think>Hm.</thi', 'nk>\n\nYes.'), finish('stop')),
    gives: { text: 'Yes.', reasoning: 'Hm.' },
  },
  {
    dialect: '`</think>` alone',
    speakers: 'DeepSeek-R1, QwQ, Qwen3 by their templates',
    source: 'https://github.com/deepseek-ai/DeepSeek-R1/issues/506',
    reply: once(text('Hm.\n', '</think>\n\n', 'Yes.'), finish('stop')),
    gives: { text: 'Yes.', reasoning: 'Hm.\n' },
  },
  {
    dialect: 'content in parts, thoughts among them',
    speakers: 'Mistral',
    source: 'https://github.com/symfony/ai/issues/2422',
    reply: once(
      delta({
        content: [
          { type: 'thinking', thinking: [{ type: 'text', text: 'Hm.' }] },
          { type: 'text', text: 'Yes.' },
        ],
      }),
      finish('stop'),
    ),
    gives: { text: 'Yes.', reasoning: 'Hm.' },
  },
];

export const usageDialects: readonly DialectRow[] = [
  {
    dialect: 'usage in a last chunk without choices',
    speakers: 'OpenAI',
    source: openai,
    reply: says('Yes.'),
    gives: { text: 'Yes.', usage: scriptedUsage },
  },
  {
    dialect: 'usage in every chunk',
    speakers: 'vLLM, SGLang',
    source: 'https://github.com/vllm-project/vllm/issues/7262',
    reply: says('Yes.', { usage: 'each' }),
    gives: { text: 'Yes.', usage: scriptedUsage },
  },
  {
    dialect: 'usage beside the finish',
    speakers: 'llama.cpp',
    source: 'https://github.com/ggml-org/llama.cpp/issues/15443',
    reply: once(text('Yes.'), delta({}, 'stop', { usage: scriptedUsage })),
    gives: { text: 'Yes.', usage: scriptedUsage },
  },
  {
    dialect: 'usage before the last chunk, which has an empty one',
    speakers: 'xAI',
    source: 'https://github.com/BerriAI/litellm/issues/17136',
    reply: once(text('Yes.'), finish('stop'), usage(), data('{"choices":[],"usage":{}}')),
    gives: { text: 'Yes.', usage: scriptedUsage },
  },
  {
    dialect: '`x_groq.usage`',
    speakers: 'Groq',
    source: 'https://github.com/Portkey-AI/gateway/issues/1072',
    reply: once(text('Yes.'), delta({}, 'stop', { x_groq: { usage: scriptedUsage } })),
    gives: { text: 'Yes.', usage: scriptedUsage },
  },
  {
    dialect: 'no usage',
    speakers: 'servers that do not know `stream_options`',
    source: 'https://github.com/vllm-project/vllm/issues/7299',
    reply: says('Yes.', { usage: 'none' }),
    gives: { text: 'Yes.', usage: null },
  },
];

export const faultDialects: readonly DialectRow[] = [
  {
    dialect: 'an error inside the stream',
    speakers: 'vLLM, OpenRouter',
    source: 'https://github.com/vllm-project/guidellm/issues/743',
    reply: once(text('Ye'), errorChunk({ message: 'TimeoutError', type: 'GatewayTimeout', code: 504 })),
    gives: { text: 'Ye', fault: 'provider_failed' },
  },
  {
    dialect: 'a rate limit inside the stream',
    speakers: 'OpenRouter',
    source: openRouter,
    reply: once(errorChunk({ message: 'slow down', code: 429 })),
    gives: { fault: 'provider_rate_limit' },
  },
  {
    dialect: 'finish `error`',
    speakers: 'OpenRouter',
    source: openRouter,
    reply: once(text('Ye'), finish('error')),
    gives: { text: 'Ye', fault: 'provider_failed' },
  },
  {
    dialect: 'the error itself as a chunk',
    speakers: 'older vLLM',
    source: 'https://github.com/vllm-project/vllm/blob/v0.6.0/vllm/entrypoints/openai/protocol.py',
    reply: once(data('{"object":"error","message":"out of memory","code":500}')),
    gives: { fault: 'provider_failed' },
  },
  {
    dialect: 'errors in a list',
    speakers: 'Gemini',
    source: 'https://github.com/Gitlawb/openclaude/issues/393',
    reply: answersWith(
      'application/json',
      JSON.stringify([
        {
          error: {
            code: 400,
            message: 'The input token count exceeds the maximum number of tokens allowed',
            status: 'INVALID_ARGUMENT',
          },
        },
      ]),
      400,
    ),
    gives: { fault: 'provider_context_length' },
  },
  {
    dialect: 'an error as a bare string',
    speakers: 'Ollama',
    source: 'https://docs.ollama.com/api/errors',
    reply: answersWith('application/json', '{"error":"model \\"x\\" not found"}', 404),
    gives: { fault: 'provider_model' },
  },
  {
    dialect: 'a page instead of JSON',
    speakers: 'proxies, a wrong `base_url`',
    source: 'https://github.com/openclaw/openclaw/issues/84697',
    reply: answersWith('text/html; charset=utf-8', '<!doctype html><title>Sign in</title>'),
    gives: { fault: 'provider_failed' },
  },
  {
    dialect: 'a page with an error status',
    speakers: 'proxies',
    source: 'https://github.com/sipeed/picoclaw/pull/1075',
    reply: answersWith('text/html', '<h1>Bad gateway</h1>', 502),
    gives: { fault: 'provider_failed' },
  },
  {
    dialect: 'an end without a finish',
    speakers: 'a connection that is cut',
    source: 'https://github.com/anomalyco/opencode/pull/40061',
    reply: streams(text('Ye')),
    gives: { text: 'Ye', fault: 'provider_cut' },
  },
  {
    dialect: 'a quota that is spent, as 429',
    speakers: 'OpenAI',
    source: 'https://platform.openai.com/docs/guides/error-codes',
    reply: fails(429, 'You exceeded your current quota', { code: 'insufficient_quota' }),
    gives: { fault: 'provider_request' },
  },
];

/** In the order in which the page shows them. */
export const dialectTable: readonly { title: string; rows: readonly DialectRow[] }[] = [
  { title: 'Tool calls', rows: toolCallDialects },
  { title: 'Words', rows: wordDialects },
  { title: 'Thoughts', rows: thoughtDialects },
  { title: 'Usage', rows: usageDialects },
  { title: 'Faults', rows: faultDialects },
];
