/**
 * Starts the registry without sockets: a real store, real charts and the scripted model. A test can replace a part, for
 * example by one that throws.
 */
import { noQuotas } from '../../machines/quota.ts';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { conversationMachine } from '../../machines/conversation/machine.ts';
import { mcpServerMachine } from '../../machines/mcp-server.ts';
import { createAnswerLogic } from '../../src/conversation/actors/answer.ts';
import { createInFlight } from '../../src/conversation/in-flight.ts';
import { createLoadContextLogic } from '../../src/conversation/actors/load-context.ts';
import { createPermitLogic } from '../../src/conversation/actors/acquire-permit.ts';
import { createReadPermits } from '../../src/scheduling/read-permits.ts';
import { createPermits } from '../../src/scheduling/turn-permits.ts';
import { createReadLogLogic } from '../../src/conversation/actors/read-log.ts';
import { createLogCache, type LogCache } from '../../src/conversation/log-cache.ts';
import { createDelivery } from '../../src/delivery/delivery.ts';
import { createRegistry } from '../../src/registry/registry.ts';
import type { Store } from '../../src/store/port.ts';
import { openStore } from '../../src/store/store.ts';
import type { Received } from './client.ts';
import { createFrameCheck } from './frame-check.ts';
import { languageModelAt } from './model/ask.ts';
import { startModelServer } from './model/server.ts';
import { eventually } from './eventually.ts';
import { noBudgets } from './machines/values.ts';

type Machine = typeof conversationMachine;

/** Each function gets the real part and returns its replacement. */
export interface Replacements {
  append?(append: Store['append']): Store['append'];
  keepWarm?(append: LogCache['append']): LogCache['append'];
  countTokens?(text: string): number | Promise<number>;
  machine?(machine: Machine): Machine;
  crashBudget?: { crashes: number; crashWindowMs: number };
}

const owner = 'ann';

export async function startConversations(test: TestContext, replacements: Replacements = {}) {
  const folder = await mkdtemp(join(tmpdir(), 'parley-conversations-'));
  const scripted = await startModelServer();
  // The folder goes last: a store whose file is gone does not close, but waits for it.
  let shutdown = () => Promise.resolve();
  test.after(async () => {
    await shutdown();
    await scripted.close();
    await rm(folder, { recursive: true, force: true });
  });
  const crashes: unknown[] = [];
  const faults: unknown[] = [];
  const onError = (error: unknown) => void faults.push(error);
  const { store: real, writerLogic, opened } = openStore({ path: join(folder, 'events.db'), onError });
  const store = { ...real, append: replacements.append?.(real.append) ?? real.append };
  const reads = createReadPermits({
    maxReadsPerSocket: 1,
    maxReadsPerSubject: 4,
    maxWaitingReads: 1000,
    stallMs: 60_000,
  });
  const delivery = createDelivery({ reader: store, reads, flushMs: 0, onError, onRefused: () => undefined });
  const window = { windowTokens: 1000, preserveRecent: 4 };
  const kept = createLogCache({ store, maxBytes: 1_000_000, ...window, maxImages: 0 });
  const logCache = { ...kept, append: replacements.keepWarm?.(kept.append) ?? kept.append };
  const countTokens = replacements.countTokens ?? ((text: string) => Math.ceil(text.length / 4));
  const inFlight = createInFlight();
  const permits = createPermits({ most: 100 });
  const model = languageModelAt(scripted.url);
  const machine = conversationMachine.provide({
    actors: {
      permit: createPermitLogic(permits),
      readLog: createReadLogLogic({ logCache, inFlight }),
      loadContext: createLoadContextLogic({
        logCache,
        countTokens,
        systemPrompt: async () => '',
        model,
        maxTokens: window.windowTokens,
        reserveTokens: 0,
        preserveRecent: window.preserveRecent,
        maxImages: 8,
        policy: {
          repeat: {},
          permission: {},
          permissionByHint: { read_only: 'always', additive: 'always', destructive: 'always' },
        },
        mcpServers: { tools: () => [], settled: () => Promise.resolve() },
        notices: { turnStarted: () => undefined },
      }),
      answer: createAnswerLogic({
        model,
        mcpServers: { fitArguments: (_schema, args) => Promise.resolve({ arguments: args, violation: null }) },
        delivery,
        countTokens,
        onError,
        turnReport: { answering: () => undefined },
        metrics: { hopEnded: () => undefined, used: () => undefined, estimated: () => undefined },
        keepDraft: () => () => undefined,
      }),
    },
  });
  const registry = createRegistry({
    store,
    logCache,
    delivery,
    countTokens,
    inFlight,
    permits,
    opened,
    machine: replacements.machine?.(machine) ?? machine,
    onStart: () => undefined,
    turnReport: { accepted: () => undefined, ended: () => undefined, forget: () => undefined },
    logics: { writer: writerLogic, mcpServer: mcpServerMachine },
    tasks: { cancelTask: () => Promise.resolve() },
    mcpServers: [],
    attachServer: () => undefined,
    toolsSettled: () => Promise.resolve(),
    dismiss: () => undefined,
    closeNeighbours: store.close,
    recoveringAtOnce: 1,
    startupWaitMs: 0,
    conversation: {
      maxToolHops: 1,
      toolConcurrency: 1,
      toolTimeoutMs: 1000,
      toolMaxTimeoutMs: 1000,
      toolTaskTimeoutMs: 10_000,
      maxAnswerMs: 600_000,
      maxTurnMs: 1_200_000,
      approvalTimeoutMs: 60_000,
      queueLength: 8,
      attempts: 1,
      retryBudgetMs: 0,
      providers: ['scripted'],
      recovery: { mode: 'resume', attempts: 3, maxAgeMs: 60_000 },
      budgets: noBudgets,
    },
    registry: { crashes: 100, crashWindowMs: 60_000, drainTimeoutMs: 0, ...replacements.crashBudget },
    idleTimeoutMs: 60_000,
    maxLive: 100,
    quotas: noQuotas,
    onError,
    onCrash: (_ref, error) => void crashes.push(error),
  });
  shutdown = registry.shutdown;
  await registry.start();

  /** Opens a client session; `frames` has all that the server sent to it. */
  const connect = (id: string) => {
    const frames: Received[] = [];
    const check = createFrameCheck();
    const send = (frame: string) => {
      frames.push(JSON.parse(frame));
      // A violation must fail the test and must not be thrown inside the server.
      queueMicrotask(() => check.check(frame));
    };
    delivery.open({
      id,
      send,
      isSlow: () => false,
      unsentBytes: () => 0,
      closeStalled: () => undefined,
      whenDrained: () => undefined,
      closeForReconnect: () => undefined,
    });
    const waitFor = (fits: (frame: Received) => boolean, what: string) =>
      eventually(() => frames.find(fits) ?? null, `${what}; got ${JSON.stringify(frames)}`);
    return {
      frames,
      waitFor,
      chat(conversationId: string, requestId: string, text = `say ${requestId}`) {
        registry.route(
          { owner, conversationId },
          {
            type: 'client.chat',
            session: id,
            requestId,
            text,
            digest: text,
            mode: 'queue',
            model: null,
            metadata: null,
            tools: null,
            rewindTo: null,
            included: [],
            follow: { streaming: true, cursor: null },
          },
        );
      },
      delete(conversationId: string) {
        registry.route(
          { owner, conversationId },
          { type: 'client.delete', by: { session: id, requestId: randomUUID() } },
        );
      },
      cancel(conversationId: string) {
        const requestId = randomUUID();
        registry.route(
          { owner, conversationId },
          { type: 'client.cancel', by: { session: id, requestId }, target: null },
        );
        return requestId;
      },
      /** Resolves with the last frame of a turn; ignores the frames before index `after`. */
      end: (requestId: string, after = 0) =>
        waitFor(
          (frame) =>
            frames.indexOf(frame) >= after &&
            frame.request_id === requestId &&
            ['complete', 'error', 'result'].includes(frame.status),
          `the end of ${requestId}`,
        ),
    };
  };
  return { registry, model: scripted, crashes, faults, enter: connect };
}
