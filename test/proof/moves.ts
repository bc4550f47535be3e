/**
 * What can be done to the server from outside, one word each: by clients, by the store's answers, by the model,
 * by tools, by time and by whoever runs the process. Paths are sentences of these. Decides nothing.
 */

/**
 * As the model names it. The MCP servers of a proof have `book`, `look`, `pay`, `table` and `hall`; `fly` they have not.
 * `table` and `hall` ask people: the one lays its call down meanwhile, the other is an older server's and waits.
 */
export type ToolName = string;

export type Stimulus =
  /** A message. `other`: the same id was used for another text before; `rewound`: in the place of the first message. */
  | { do: 'chat'; id: string; mode: 'queue' | 'reject' | 'interrupt'; words: 'own' | 'other' | 'rewound' }
  /** A Stop of that turn, or of the running one. */
  | { do: 'stop'; target: string | null }
  /**
   * A person's yes or no to the first open question, or the next one. `late`: the one that was looked up in the log
   * before. `always`: and to all later ones about the tool.
   */
  | { do: 'respond'; decision: 'approve' | 'deny'; to: 'first' | 'next' | 'late'; always?: true }
  /** A second answer comes, and is found to be in time by the log. */
  | { do: 'lookUp' }
  | { do: 'delete' }
  /** Somebody else's turn takes the only permit there is; and it ends. */
  | { do: 'takePermit' }
  | { do: 'freePermit' }
  /** The oldest append gets to the disk and the chart hears of it; `together`: the next one too, in the same tick. */
  | { do: 'commit'; together: boolean }
  /** The oldest append fails; `after`: the one behind it, in the tick in which the oldest lands. */
  | { do: 'refuse'; after: boolean }
  | { do: 'read'; works: boolean }
  /** The model's first words of an answer. */
  | { do: 'begin' }
  /** The rest of the answer, or all of it. */
  | { do: 'answer' }
  /** `expensive`: and the answer has used up what the turn may. */
  | { do: 'ask'; tools: readonly ToolName[]; expensive?: true }
  /** `busy` may be tried again and `refused` may not; `long`: with less of the conversation; `cut`: in the middle of an answer. */
  | { do: 'fault'; how: 'busy' | 'refused' | 'long' | 'cut' }
  /** The oldest call of that tool that is open comes to an end, its server asks people, or nobody answers that in time. */
  | { do: 'call'; tool: ToolName; ends: 'ok' | 'error' | 'lost' | 'late' | 'asks' | 'unanswered' }
  /** The same call says that it gets on. */
  | { do: 'progress'; tool: ToolName }
  /** Time passes: until the provider is asked again, or until nobody may answer any more. */
  | { do: 'wait' }
  | { do: 'expire' }
  | { do: 'passivate' }
  /** SIGTERM; and the end of the time that running turns get after it. */
  | { do: 'drain' }
  | { do: 'halt' }
  /** SIGKILL, and a new start. */
  | { do: 'crash' };

/** A stimulus whose last append makes the store throw, when it is `broken`. */
export type Move = Stimulus & { broken?: true };

/** What a turn without any trouble is made of, beside its message. */
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

/** In words, for a story. */
export function describeMove(move: Move): string {
  return move.broken ? `${describeStimulus(move)}, at which the store throws` : describeStimulus(move);
}

function describeStimulus(stimulus: Stimulus): string {
  switch (stimulus.do) {
    case 'chat': {
      const what = {
        own: stimulus.id,
        other: `${stimulus.id} with other words`,
        rewound: `${stimulus.id} in place of r1`,
      }[stimulus.words];
      return stimulus.mode === 'queue' ? `chat ${what}` : `chat ${what} (${stimulus.mode})`;
    }
    case 'stop':
      return stimulus.target === null ? 'stop' : `stop ${stimulus.target}`;
    case 'respond':
      return {
        first: stimulus.always ? `${stimulus.decision} from now on` : stimulus.decision,
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
    case 'ask':
      return `the model calls ${stimulus.tools.join(' and ')}${stimulus.expensive ? ', dearly' : ''}`;
    case 'fault':
      return {
        busy: 'the provider is busy',
        refused: 'the provider refuses',
        long: 'the conversation is too long',
        cut: 'the answer is cut',
      }[stimulus.how];
    case 'call':
      return `${stimulus.tool} ${{ ok: 'succeeds', error: 'fails', lost: 'is lost', late: 'times out', asks: 'asks people', unanswered: 'is not answered' }[stimulus.ends]}`;
    case 'progress':
      return `${stimulus.tool} gets on`;
    case 'wait':
      return 'the wait is over';
    case 'expire':
      return 'the time to answer is over';
    case 'passivate':
      return 'idle for long';
    case 'drain':
      return 'SIGTERM';
    case 'halt':
      return 'the drain takes too long';
    case 'crash':
      return 'kill -9 and a new start';
  }
}
