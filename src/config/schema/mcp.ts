/**
 * Defines the `mcp` section: connections to MCP servers, and limits on what they may offer, send and ask for. The servers
 * themselves are listed in `mcp.config_file`. The only place of these keys' defaults and constraints.
 */
import { z } from 'zod';
import { bytes, count, seconds, secondsOrNone, text } from './quantities.ts';

const connection = z
  .strictObject({
    max_reconnect_attempts: count('attempts', 0, 1000)
      .default(10)
      .describe(
        'Attempts in a row to reach a lost server before it counts as failed. A call to one of its tools still triggers an attempt.',
      ),
    failed_retry_delay: seconds()
      .default(300)
      .describe('Delay between two attempts to reach a failed server, so that a repaired server reconnects by itself.'),
    health_interval: seconds()
      .default(30)
      .describe(
        'Time between two pings of a ready server, so that a dead connection is replaced before a call needs it.',
      ),
    initial_reconnect_delay: seconds()
      .default(0.5)
      .describe('Delay before the first reconnect. It doubles with each attempt.'),
    max_reconnect_delay: seconds().default(30).describe('Longest delay between two attempts.'),
    connection_timeout: seconds()
      .default(10)
      .describe(
        'Timeout of the handshake with a server over HTTP. A program that takes longer to start is reported as slow.',
      ),
    start_timeout: seconds()
      .default(60)
      .describe(
        'Timeout of a program from its start to its list of tools. `start_timeout` in the block of a server overrides it.',
      ),
    fetch_timeout: seconds()
      .default(300)
      .describe(
        'Timeout of a program that may have to be fetched first (npx, uvx, docker and the like), from its start to its list of tools. A start that is given up fetches from the beginning.',
      ),
    tools_wait: secondsOrNone()
      .default(3)
      .describe(
        'Longest time, from the start of Parley, that turns wait for servers that connect for the first time. Later turns get the tools that are there.',
      ),
    startup_wait: secondsOrNone()
      .default(1.5)
      .describe('Longest time that the start waits for connecting servers before the port opens.'),
    list_wait: secondsOrNone()
      .default(5)
      .describe(
        'Longest time that the result of a call waits for the list of tools that the call has changed. The next request to the model then offers the new tools.',
      ),
    request_timeout: seconds().default(30).describe('Timeout of a list, a prompt, a resource or a completion.'),
    call_grace: secondsOrNone()
      .default(10)
      .describe(
        'Longest time that running calls get to end before a reload closes the connection of their server. Until then further calls wait.',
      ),
    ping_timeout: seconds()
      .default(10)
      .describe(
        'Timeout of a ping, also of the one after a cancelled call. A server that does not answer is reconnected.',
      ),
    close_grace: seconds()
      .default(1)
      .describe(
        'Time that a server process gets to exit after the end of its input, and again after SIGTERM, before SIGKILL.',
      ),
  })
  .superRefine((delays, check) => {
    if (delays.max_reconnect_delay < delays.initial_reconnect_delay) {
      check.addIssue({
        code: 'custom',
        path: ['max_reconnect_delay'],
        params: { allowed: `at least connection.initial_reconnect_delay (${delays.initial_reconnect_delay})` },
      });
    }
  })
  .prefault({})
  .describe('Connections to the servers.');

const limits = z
  .strictObject({
    max_tools: count('tools', 1, 10_000)
      .default(256)
      .describe('Most tools of all servers together. Each tool costs tokens in every request to a model.'),
    max_concurrent: count('calls', 1)
      .default(64)
      .describe(
        'Most calls that run at one server at the same time. Further calls are queued, fairly among owners and conversations. `max_concurrent` in the block of a server overrides it.',
      ),
    max_listed: count('entries', 1, 100_000)
      .default(1000)
      .describe('Most prompts, most resources and most templates of each server. The rest of its lists is left out.'),
    max_questions: count('questions', 0, 1000)
      .default(20)
      .describe('Most questions to people in one tool call. A further question ends the call.'),
    max_question_size: bytes(1024)
      .default(65_536)
      .describe(
        'Largest question to people, with its form, and largest state that a server may store until the answer.',
      ),
    max_description_length: count('characters', 16)
      .default(2000)
      .describe('Part of a description that models and people get. Descriptions are untrusted text.'),
    max_instructions_length: count('characters', 0)
      .default(2000)
      .describe(
        "Part of a server's instructions that is in the system prompt. Instructions are untrusted text and cost tokens in every request. 0: none of any server.",
      ),
    max_output_schema: count('characters', 0)
      .default(800)
      .describe(
        "Largest output schema that the model gets, at the end of the tool's description: the model then knows what a call returns. It costs tokens in every request. A larger one is left out. 0: none.",
      ),
    max_schema_size: bytes(1024)
      .default(65_536)
      .describe("Largest schema of a tool's arguments. A tool with a larger schema is not offered."),
    max_message_size: bytes(65_536)
      .default(16_777_216)
      .describe('Largest message from a server. A larger one closes its connection.'),
  })
  .prefault({})
  .describe('Limits on what servers offer and send.');

const tasks = z
  .strictObject({
    min_poll_interval: seconds()
      .default(0.25)
      .describe('Least time between two requests for the state of a task. Applies if the server names a shorter one.'),
    max_poll_interval: seconds()
      .default(60)
      .describe(
        'Longest time between two requests for the state of a task. Applies if the server names a longer one. If the server names none, it is 1 s.',
      ),
  })
  .superRefine((intervals, check) => {
    if (intervals.max_poll_interval < intervals.min_poll_interval) {
      check.addIssue({
        code: 'custom',
        path: ['max_poll_interval'],
        params: { allowed: `at least tasks.min_poll_interval (${intervals.min_poll_interval})` },
      });
    }
  })
  .prefault({})
  .describe('Tool calls that servers run as tasks. chat.service.tools.task_timeout bounds each of them.');

const authorization = z
  .strictObject({
    credentials_file: text()
      .default('mcp_credentials.json')
      .describe(
        'File for tokens and registrations, created with mode 0600. A program that can read it can act in your name at those servers.',
      ),
    callback_port: z
      .int()
      .min(0)
      .max(65_535)
      .default(8001)
      .describe(
        'Port on 127.0.0.1 for OAuth redirects, open from the first authorization on. 0: any free port, which not every authorization server accepts.',
      ),
    callback_url: z
      .url({ protocol: /^https?$/ })
      .nullable()
      .default(null)
      .describe('Public address of the callback port, if browsers on other machines reach it through a proxy.'),
    client_metadata_url: z
      .url({ protocol: /^https$/ })
      .nullable()
      .default(null)
      .describe('Address of your client metadata document for Parley. Without it, Parley registers itself.'),
    timeout: seconds()
      .default(3600)
      .describe('Time that a person has to authorize a server. Then Parley makes a new address.'),
  })
  .prefault({})
  .describe(
    'Servers that require OAuth. A person opens the address from the log once; Parley then refreshes the tokens.',
  );

const sampling = z
  .strictObject({
    permission: z
      .enum(['ask', 'always', 'never'])
      .default('ask')
      .describe(
        'Whether a server may ask the model during a call: after a person has allowed it (`ask`), at once (`always`) or not at all (`never`). The cost is that of the active provider, and is not part of the usage of the turn.',
      ),
    max_tokens: count('tokens', 1).default(2000).describe('Longest answer that a server gets. A longer one is cut.'),
    requests_per_call: count('requests', 1, 1000).default(5).describe('Most requests to the model in one tool call.'),
  })
  .prefault({})
  .describe('Requests of servers to the model.');

const resourcesInPrompt = z
  .strictObject({
    max_listed: count('resources', 0, 10_000)
      .default(50)
      .describe(
        'Most resources that the system prompt lists with name and description, so that the model knows what can be included. Each costs tokens in every request.',
      ),
    contents: z
      .array(z.strictObject({ server: text().describe('The MCP server.'), uri: text().describe('The resource.') }))
      .default([])
      .describe(
        'Resources whose contents are part of the system prompt, each as {server, uri}. A resource that cannot be read is left out, and the followers of the turn get a notice.',
      ),
    timeout: seconds().default(2).describe('Longest time that a request to the model waits for these resources.'),
  })
  .prefault({})
  .describe('Resources of MCP servers in the system prompt.');

export const mcpSection = z
  .strictObject({
    config_file: text()
      .default('config/servers_config.json')
      .describe('File that lists the MCP servers ({"mcpServers": ...}); PARLEY_SERVERS_CONFIG names another.'),
    watch_config_file: z
      .boolean()
      .default(true)
      .describe(
        'Whether a change of that file is applied at once, without a signal. A file with a mistake changes nothing, and the log says why.',
      ),
    read_linked_resources: z
      .boolean()
      .default(true)
      .describe(
        'Whether the model gets the tool `read_resource` once a result has linked to a resource: it reads resources of the servers that link. Its permission is that of `parley.read_resource` in chat.service.tools.permission.',
      ),
    roots: z
      .array(text())
      .default([])
      .describe('Folders that servers get when they ask for their roots. A convention: Parley cannot enforce it.'),
    sampling,
    resources_in_prompt: resourcesInPrompt,
    connection,
    limits,
    tasks,
    authorization,
  })
  .prefault({})
  .describe('Tools: the MCP servers.');
