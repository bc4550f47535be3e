/**
 * The model of a run: the scripted endpoint, which answers each message by the recipe in it, at the pace that the run
 * sets, so that whatever else happens can happen in the middle of a message.
 */
import {
  createGate,
  delta,
  done,
  fails,
  finish,
  gate,
  streams,
  usage,
  type Gate,
  type Part,
  type Reply,
} from '../support/model/replies.ts';
import { startModelServer, type ModelRequest } from '../support/model/server.ts';
import { callParts } from '../support/model/tool-calls.ts';
import { createPace, type Pace } from './pace.ts';
import { deltasOf, readMessage, type Recipe, type Tool } from './recipe.ts';

export interface PacedModel extends Pick<Pace, 'allow' | 'free'> {
  readonly url: string;
  /** Broken rules of the histories it got. */
  readonly violations: readonly string[];
  /** Requests about this conversation whose client left before the answer was over. */
  aborted(conversation: string): number;
  close(): Promise<void>;
}

/** Both are the same tool, which two servers have; one of them is asked about before it is called. */
export const toolNames: Record<Tool, string> = { free: 'free__count', asks: 'asks__count' };

export async function startPacedModel(): Promise<PacedModel> {
  const server = await startModelServer();
  const pace = createPace();
  const abandoned = new Map<string, number>();
  const strays: string[] = [];

  const heldBack = (conversation: string, { end }: ModelRequest): Part => {
    const waiting = createGate();
    const arrive = () => {
      waiting.arrive();
      void pace.enter(conversation, end).then(waiting.open);
    };
    return gate({ ...waiting, arrive } satisfies Gate);
  };

  server.script((request) => {
    const { messages } = request.body;
    const asked = messages.findLastIndex(({ role }) => role === 'user');
    const message = readMessage(messages[asked]?.content);
    if (!message) {
      strays.push(`the model was asked something that nobody said: ${JSON.stringify(messages[asked]).slice(0, 200)}`);
      return fails(400, 'what is that?');
    }
    const { conversation, recipe } = message;
    void request.end.then((how) => {
      if (how === 'aborted') abandoned.set(conversation, (abandoned.get(conversation) ?? 0) + 1);
    });
    const hop = messages.slice(asked).filter(({ tool_calls: calls }) => calls !== undefined).length;
    return replyTo(recipe, hop, () => heldBack(conversation, request));
  });

  return {
    url: server.url,
    get violations() {
      return [...server.violations, ...strays];
    },
    allow: pace.allow,
    free: pace.free,
    aborted: (conversation) => abandoned.get(conversation) ?? 0,
    close: server.close,
  };
}

function replyTo({ hops, reasoning, pieces, end }: Recipe, hop: number, wait: () => Part): Reply {
  const tools = hops[hop];
  if (tools) {
    const calls = tools.map((tool) => ({ name: toolNames[tool], arguments: {} }));
    return streams(
      delta({ content: `hop ${hop} ` }),
      wait(),
      callParts(calls, 'split'),
      finish('tool_calls'),
      usage(),
      done(),
    );
  }
  if (end === 'refused') return fails(400, 'not this');
  return streams(
    delta({ role: 'assistant', content: '' }),
    reasoning ? [wait(), delta({ reasoning_content: 'Let me see. ' })] : [],
    pieces.flatMap(deltasOf).flatMap((content) => [wait(), delta({ content })]),
    wait(),
    end === 'torn' ? { play: 'tear' } : [finish('stop'), usage(), done()],
  );
}
