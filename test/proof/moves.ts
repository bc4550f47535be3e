/**
 * Names everything that can happen to the server from outside. A *move* is done by a client, the store, the model, a
 * tool, a timer or the operator. A path is a list of moves.
 */

/**
 * Name as the model uses it. The MCP servers of a proof offer `book`, `look`, `pay`, `table`, `hall` and `brew`, but not
 * `fly`. The server of `brew` can run its call as a task.
 * `table` and `hall` ask people. The call of `table` is suspended meanwhile; `hall` belongs to an older server, whose
 * call waits.
 */
export type ToolName = string;

export type Stimulus =
  /** A message. `other`: its id was used for another text before. `rewound`: it replaces the first message. */
  | { do: 'chat'; id: string; mode: 'queue' | 'reject' | 'interrupt'; words: 'own' | 'other' | 'rewound' }
  /** A Stop of that turn; null stops the running one. */
  | { do: 'stop'; target: string | null }
  /**
   * A person's answer to the first open question, or to the next one. `late`: to the question that was looked up
   * before. `always`: also for all later calls of the tool.
   */
  | { do: 'respond'; decision: 'approve' | 'deny'; to: 'first' | 'next' | 'late'; always?: true }
  /** A second answer arrives, and the log says that the question is still open. */
  | { do: 'lookUp' }
  | { do: 'delete' }
  /** A turn of the other conversation takes the only permit; `freePermit` ends that turn. */
  | { do: 'takePermit' }
  | { do: 'freePermit' }
  /** The oldest append lands and the chart is notified. `together`: the next append too, in the same tick. */
  | { do: 'commit'; together: boolean }
  /** The oldest append fails. `after`: the one behind it fails, in the tick in which the oldest lands. */
  | { do: 'refuse'; after: boolean }
  | { do: 'read'; works: boolean }
  /** The first text of an answer. */
  | { do: 'begin' }
  /** The rest of the answer, or all of it. */
  | { do: 'answer' }
  /** An answer without text and tool calls. */
  | { do: 'empty' }
  /** `expensive`: the answer uses up the budget of the turn. */
  | { do: 'ask'; tools: readonly ToolName[]; expensive?: true }
  /**
   * `busy` allows a retry, `refused` does not. `long`: a retry needs a shorter conversation. `cut`: in the middle of an
   * answer.
   */
  | { do: 'fault'; how: 'busy' | 'refused' | 'long' | 'cut' }
  /**
   * The oldest open call of that tool ends, its server asks people, or their time to answer is over. `task`: the server
   * runs it as a task. `overdue`: the task does not end in time.
   */
  | { do: 'call'; tool: ToolName; ends: 'ok' | 'error' | 'lost' | 'late' | 'asks' | 'unanswered' | 'task' | 'overdue' }
  /** The same call reports progress. */
  | { do: 'progress'; tool: ToolName }
  /** Time passes: until the provider is asked again, or until questions expire. */
  | { do: 'wait' }
  | { do: 'expire' }
  | { do: 'passivate' }
  /** SIGTERM; `halt` is the end of the drain timeout. */
  | { do: 'drain' }
  | { do: 'halt' }
  /** SIGKILL and a new start. */
  | { do: 'crash' };

/** A stimulus; with `broken`, the store throws at its last append. */
export type Move = Stimulus & { broken?: true };

/** Whether a turn without any fault could have this move after its message. */
export function isBenign({ broken, ...move }: Move): boolean {
  if (broken) return false;
  switch (move.do) {
    case 'commit':
      return !move.together;
    case 'read':
      return move.works;
    case 'call':
      return move.ends === 'ok';
    case 'ask':
      return move.expensive !== true;
    case 'begin':
    case 'answer':
    case 'wait':
    case 'freePermit':
      return true;
    default:
      return false;
  }
}

/** Describes a move in words, for a story. */
export function describeMove(move: Move): string {
  return move.broken ? `${describeStimulus(move)}, and the store throws` : describeStimulus(move);
}

function describeStimulus(stimulus: Stimulus): string {
  switch (stimulus.do) {
    case 'chat': {
      const what = {
        own: stimulus.id,
        other: `${stimulus.id} with another text`,
        rewound: `${stimulus.id} in place of r1`,
      }[stimulus.words];
      return stimulus.mode === 'queue' ? `chat ${what}` : `chat ${what} (${stimulus.mode})`;
    }
    case 'stop':
      return stimulus.target === null ? 'stop' : `stop ${stimulus.target}`;
    case 'respond':
      return {
        first: stimulus.always ? `${stimulus.decision} permanently` : stimulus.decision,
        next: `${stimulus.decision} the next call`,
        late: `${stimulus.decision} by the second answer`,
      }[stimulus.to];
    case 'lookUp':
      return 'a second answer is looked up';
    case 'delete':
      return 'delete';
    case 'takePermit':
      return 'another conversation takes the permit';
    case 'freePermit':
      return 'the other conversation is done';
    case 'commit':
      return stimulus.together ? 'two commits at once' : 'commit';
    case 'refuse':
      return stimulus.after ? 'a commit, and the next one fails' : 'the commit fails';
    case 'read':
      return stimulus.works ? 'the log is read' : 'the log cannot be read';
    case 'begin':
      return 'first words';
    case 'answer':
      return 'answer';
    case 'empty':
      return 'the answer is empty';
    case 'ask':
      return `the model calls ${stimulus.tools.join(' and ')}${stimulus.expensive ? ', over budget' : ''}`;
    case 'fault':
      return {
        busy: 'the provider is busy',
        refused: 'the provider refuses',
        long: 'the conversation is too long',
        cut: 'the answer is cut',
      }[stimulus.how];
    case 'call':
      return `${stimulus.tool} ${{ ok: 'succeeds', error: 'fails', lost: 'is lost', late: 'times out', asks: 'asks people', unanswered: 'is not answered', task: 'becomes a task', overdue: 'takes too long as a task' }[stimulus.ends]}`;
    case 'progress':
      return `${stimulus.tool} gets on`;
    case 'wait':
      return 'the backoff is over';
    case 'expire':
      return 'the time to answer is over';
    case 'passivate':
      return 'idle timeout';
    case 'drain':
      return 'SIGTERM';
    case 'halt':
      return 'the drain takes too long';
    case 'crash':
      return 'kill -9 and a new start';
  }
}
