/**
 * The model of a proof: a real OpenAI-compatible endpoint that answers each request when it is told to, or, once it
 * is free, as the path has planned. What it asks a tool for carries a key that is the same however often the model
 * is asked for that answer, so that one call made twice is seen by whoever counts.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { historyViolations, requestBody, type RequestBody } from '../support/model/history.ts';
import { delta, done, finish, scriptedUsage, usage, type Part } from '../support/model/replies.ts';
import { callParts } from '../support/model/tool-calls.ts';
import type { Bell } from './bell.ts';
import type { ToolName } from './vocabulary.ts';
import { DEAR_USAGE } from './world.ts';

/** Where a request stands: the turn by its message's first word, and its tool hops so far. */
export interface Place {
  turn: string;
  hop: number;
}

export interface StageModel {
  readonly url: string;
  /** Of all requests of the proven conversation, in order; and how many others there were. */
  readonly places: readonly Place[];
  others(): number;
  /** Rules that a request has broken. */
  readonly violations: readonly string[];
  begin(): void;
  answer(): void;
  /** `dear`: the answer reports more than a turn may use. */
  ask(tools: readonly ToolName[], dear?: boolean): void;
  /** `retryAfterMs` for one that is busy; `code` as OpenAI has it. */
  refuse(status: number, why?: { retryAfterMs?: number; code?: string }): void;
  cut(): void;
  /** Answers what others have asked. */
  answerOthers(): void;
  /** From now on every request is answered at once. */
  free(plan: (place: Place) => readonly ToolName[]): void;
  close(): Promise<void>;
}

interface Request {
  place: Place;
  response: ServerResponse;
}

/** The first word of those who only keep the conversation company. */
export const OTHERS = 'others';

export async function startStageModel(bell: Bell): Promise<StageModel> {
  const places: Place[] = [];
  const violations: string[] = [];
  const others: Request[] = [];
  let latest: Request | null = null;
  let plan: ((place: Place) => readonly ToolName[]) | null = null;

  const write = (parts: readonly Part[]) => {
    for (const part of parts) if (part.play === 'bytes') latest?.response.write(part.text);
  };
  const head = () => {
    if (latest?.response.headersSent === false) latest.response.writeHead(200, { 'content-type': 'text/event-stream' });
  };
  const end = (reason: string, counts = scriptedUsage) => {
    write([finish(reason), usage(counts), done()]);
    latest?.response.end();
  };
  const answer = () => {
    head();
    write([delta({ content: `the answer to ${latest?.place.turn}.` })]);
    end('stop');
  };
  const answerOthers = () => {
    const proven = latest;
    for (latest of others) answer();
    latest = proven;
  };
  const ask = (tools: readonly ToolName[], dear = false) => {
    const { turn = '', hop = 0 } = latest?.place ?? {};
    head();
    write(
      callParts(
        tools.map((name, index) => ({ name, arguments: { key: `${turn}.${hop}.${index}` } })),
        'split',
      ),
    );
    end('tool_calls', dear ? DEAR_USAGE : scriptedUsage);
  };

  const server = createServer((message, response) => {
    readText(message)
      .then((body) => {
        const parsed = requestBody.parse(JSON.parse(body));
        violations.push(...historyViolations(parsed));
        const request = { place: placeOf(parsed), response };
        if (request.place.turn === OTHERS) {
          others.push(request);
          if (plan) answerOthers();
          return bell.ring();
        }
        latest = request;
        places.push(latest.place);
        const tools = plan?.(latest.place) ?? [];
        if (tools.length > 0) ask(tools);
        else if (plan) answer();
        return bell.ring();
      })
      .catch((error: unknown) => {
        // Whoever was killed in the middle of a request has not sent a bad one.
        if (message.complete) violations.push(`a request is malformed: ${String(error)}`);
        response.destroy();
      });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;

  return {
    url: `http://127.0.0.1:${port}/v1`,
    places,
    others: () => others.length,
    violations,
    begin() {
      head();
      write([delta({ content: 'Once ' })]);
    },
    answer,
    ask,
    refuse(status, { retryAfterMs = 0, code = null } = {}) {
      latest?.response.writeHead(status, {
        'content-type': 'application/json',
        'retry-after-ms': String(retryAfterMs),
      });
      latest?.response.end(JSON.stringify({ error: { message: 'not now', type: 'proof', param: null, code } }));
    },
    answerOthers,
    cut: () => void latest?.response.destroy(),
    free(planned) {
      plan = planned;
    },
    async close() {
      server.close();
      server.closeAllConnections();
    },
  };
}

function placeOf({ messages }: RequestBody): Place {
  const asked = messages.findLastIndex(({ role }) => role === 'user');
  const text = messages[asked]?.content;
  const hop = messages.slice(asked).filter((message) => message.tool_calls !== undefined).length;
  return { turn: typeof text === 'string' ? (text.split(' ')[0] ?? '') : '', hop };
}
