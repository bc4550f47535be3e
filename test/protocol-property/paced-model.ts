/**
 * Runs the model of a run: the scripted endpoint, which answers each message by the recipe in it. The run sets its
 * pace, so that anything else can happen in the middle of a message.
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
} from '../support/model-replies.ts';
import { startModelServer, type ModelRequest } from '../support/model-server.ts';
import { callParts } from '../support/model-tool-calls.ts';
import { deltasOf, readMessage, type Recipe, type Tool } from './recipe.ts';

export interface PacedModel extends Pick<PieceGate, 'allow' | 'free'> {
  readonly url: string;
  /** Violations in the histories that it received. */
  readonly violations: readonly string[];
  /** Number of requests for this conversation that the server aborted. */
  aborted(conversation: string): number;
  close(): Promise<void>;
}

/** Two servers offer the same tool. Calls of one of them need approval. */
export const toolNames: Record<Tool, string> = { free: 'free__count', asks: 'asks__count' };

export async function startPacedModel(): Promise<PacedModel> {
  const server = await startModelServer();
  const pieces = createPieceGate();
  const abandoned = new Map<string, number>();
  const strays: string[] = [];

  const heldBack = (conversation: string, { end }: ModelRequest): Part => {
    const waiting = createGate();
    const arrive = () => {
      waiting.arrive();
      void pieces.enter(conversation, end).then(waiting.open);
    };
    return gate({ ...waiting, arrive } satisfies Gate);
  };

  server.script((request) => {
    const { messages } = request.body;
    const asked = messages.findLastIndex(({ role }) => role === 'user');
    const message = readMessage(messages[asked]?.content);
    if (!message) {
      strays.push(`the model received a message that no client sent: ${JSON.stringify(messages[asked]).slice(0, 200)}`);
      return fails(400, 'unknown message');
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
    allow: pieces.allow,
    free: pieces.free,
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

interface PieceGate {
  /** Releases the next pieces, waiting ones first. */
  allow(conversation: string, pieces: number): void;
  /** Releases all pieces of this conversation from now on. */
  free(conversation: string): void;
  /** Resolves when the piece is released. A request that ends (`left`) takes no piece from the others. */
  enter(conversation: string, left: Promise<unknown>): Promise<void>;
}

interface PieceQueue {
  allowed: number;
  waiting: Set<() => void>;
}

function createPieceGate(): PieceGate {
  const queues = new Map<string, PieceQueue>();
  const queueOf = (conversation: string): PieceQueue => {
    const queue = queues.get(conversation) ?? { allowed: 0, waiting: new Set() };
    queues.set(conversation, queue);
    return queue;
  };
  const allow = (conversation: string, pieces: number) => {
    const queue = queueOf(conversation);
    queue.allowed += pieces;
    for (const go of queue.waiting) {
      if (queue.allowed < 1) return;
      queue.allowed -= 1;
      queue.waiting.delete(go);
      go();
    }
  };

  return {
    allow,
    free: (conversation) => allow(conversation, Infinity),
    enter(conversation, left) {
      const queue = queueOf(conversation);
      if (queue.allowed >= 1) {
        queue.allowed -= 1;
        return Promise.resolve();
      }
      return new Promise((go) => {
        queue.waiting.add(go);
        void left.then(() => queue.waiting.delete(go));
      });
    },
  };
}
