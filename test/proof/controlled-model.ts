/**
 * Runs the model of a proof: a real endpoint that speaks each of the wire protocols. It answers each request on command, or by the plan of
 * the path once that is set. Each tool call carries a key. The key is the same each time the model is asked for that
 * answer, so a call that is made twice is counted twice.
 */
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { historyViolations, requestBody, type RequestBody } from '../support/model/history.ts';
import { delta, done, finish, scriptedUsage, usage, type Part } from '../support/model/replies.ts';
import { createMessagesDialect } from '../support/model/speak-messages.ts';
import { createResponsesDialect } from '../support/model/speak-responses.ts';
import type { AnswerWriter } from '../support/model/spoken.ts';
import { callParts } from '../support/model/tool-calls.ts';
import type { Notifier } from './notifier.ts';
import type { ToolName } from './moves.ts';
import { EXPENSIVE_USAGE } from './world.ts';

/**
 * Place of a request in its conversation: the turn, from the first word of its message, and the number of tool hops so
 * far.
 */
export interface Place {
  turn: string;
  hop: number;
}

export interface ControlledModel {
  readonly url: string;
  /** All requests of the conversation under test, in order. `others` counts the requests of the other one. */
  readonly places: readonly Place[];
  others(): number;
  /** Rules that requests broke. */
  readonly violations: readonly string[];
  begin(): void;
  answer(): void;
  /** Ends the answer without text. */
  empty(): void;
  /** `expensive`: the answer reports more usage than a turn may have. */
  ask(tools: readonly ToolName[], expensive?: boolean): void;
  /** `retryAfterMs` for a busy provider; `code` as OpenAI names it. */
  refuse(status: number, why?: { retryAfterMs?: number; code?: string }): void;
  cut(): void;
  /** Answers the requests of the other conversation. */
  answerOthers(): void;
  /** Answers every request at once from now on. */
  answerByPlan(plan: (place: Place) => readonly ToolName[]): void;
  close(): Promise<void>;
}

interface Request {
  place: Place;
  response: ServerResponse;
  answer: AnswerWriter;
}

/** Chat completions: the parts of a script are its form. */
const plainAnswer: AnswerWriter = { head: [], write: (part) => [part] };

/** First word of messages in the other conversation. */
export const OTHERS = 'others';

export async function startControlledModel(notifier: Notifier): Promise<ControlledModel> {
  const places: Place[] = [];
  const violations: string[] = [];
  const others: Request[] = [];
  const dialects = [createResponsesDialect(), createMessagesDialect()];
  let latest: Request | null = null;
  let plan: ((place: Place) => readonly ToolName[]) | null = null;

  const send = (parts: readonly Part[]) => {
    for (const part of parts) if (part.play === 'bytes') latest?.response.write(part.text);
  };
  const write = (parts: readonly Part[]) => {
    for (const part of parts) send(latest?.answer.write(part) ?? []);
  };
  const head = () => {
    if (latest === null || latest.response.headersSent) return;
    latest.response.writeHead(200, { 'content-type': 'text/event-stream' });
    send(latest.answer.head);
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
  const ask = (tools: readonly ToolName[], expensive = false) => {
    const { turn = '', hop = 0 } = latest?.place ?? {};
    head();
    write(
      callParts(
        tools.map((name, index) => ({ name, arguments: { key: `${turn}.${hop}.${index}` } })),
        'split',
      ),
    );
    end('tool_calls', expensive ? EXPENSIVE_USAGE : scriptedUsage);
  };

  const server = createServer((message, response) => {
    readText(message)
      .then((body) => {
        const sent: unknown = JSON.parse(body);
        const dialect = dialects.find(({ path }) => path === message.url);
        const spoken = dialect?.read(sent);
        violations.push(...(spoken?.violations ?? []));
        const parsed = requestBody.parse(spoken === undefined ? sent : spoken.body);
        violations.push(...historyViolations(parsed));
        const request = { place: placeOf(parsed), response, answer: dialect?.answer(parsed.model) ?? plainAnswer };
        if (request.place.turn === OTHERS) {
          others.push(request);
          if (plan) answerOthers();
          return notifier.notify();
        }
        latest = request;
        places.push(latest.place);
        const tools = plan?.(latest.place) ?? [];
        if (tools.length > 0) ask(tools);
        else if (plan) answer();
        return notifier.notify();
      })
      .catch((error: unknown) => {
        // A server that was killed in the middle of a request did not send a bad one.
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
    empty() {
      head();
      end('stop');
    },
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
    answerByPlan(planned) {
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
