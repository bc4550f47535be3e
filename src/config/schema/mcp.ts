/**
 * The `mcp` section: how servers are connected to, what they may offer, send and ask for. Which servers there are
 * stands in a file of its own. The only home of these keys' defaults and constraints.
 */
import { z } from 'zod';
import { bytes, count, seconds, secondsOrNone, text } from './quantities.ts';

const connection = z
  .strictObject({
    max_reconnect_attempts: count('attempts', 0, 1000)
      .default(10)
      .describe(
        'Tries in a row to reach a lost server before it counts as failed; a call to one of its tools still wakes it.',
      ),
    failed_retry_delay: seconds()
      .default(300)
      .describe(
        'Time after which a server that counts as failed is tried again, and again, so that one that was repaired comes back by itself.',
      ),
    health_interval: seconds()
      .default(30)
      .describe(
        'Time between two pings of a server that is ready, so that one that has died quietly is reconnected before somebody needs it.',
      ),
    initial_reconnect_delay: seconds().default(0.5).describe('Wait before the first of them; doubled from try to try.'),
    max_reconnect_delay: seconds().default(30).describe('Longest wait between two tries.'),
    connection_timeout: seconds()
      .default(10)
      .describe(
        'Longest wait for a server to start and introduce itself; a turn waits as long for one that connects for the first time.',
      ),
    startup_wait: secondsOrNone()
      .default(1.5)
      .describe('Longest time that the port stays closed for servers that are still connecting.'),
    request_timeout: seconds().default(30).describe('Longest wait for a list, a prompt, a resource or a completion.'),
    ping_timeout: seconds()
      .default(10)
      .describe(
        'Longest wait for the answer to a ping, also after a call was given up; a server without one is reconnected.',
      ),
    close_grace: seconds()
      .default(1)
      .describe(
        'Time that a server process gets to leave when its input ends, and again after SIGTERM, before it is killed.',
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
      .describe(
        'Tools of all servers together, of each as many as there is room for: each costs tokens in every request to a model.',
      ),
    max_concurrent: count('calls', 1)
      .default(64)
      .describe(
        'Calls that one server is at work on at once, so that it is not drowned; further ones wait, each owner and conversation in turn. `max_concurrent` in its block says otherwise.',
      ),
    max_listed: count('entries', 1, 100_000)
      .default(1000)
      .describe(
        'Prompts, resources and templates that are kept of each server, each; what it lists beyond is left out.',
      ),
    max_questions: count('questions', 0, 1000)
      .default(20)
      .describe('Questions to people that one tool call may ask; a server that asks more ends it.'),
    max_question_size: bytes(1024)
      .default(65_536)
      .describe(
        'Largest question to people, with the form to fill in, and largest state that a server may leave here until it is answered.',
      ),
    max_description_length: count('characters', 16)
      .default(2000)
      .describe("Part of a description that models and people are shown; descriptions are somebody else's text."),
    max_schema_size: bytes(1024)
      .default(65_536)
      .describe("Largest schema of a tool's arguments; a tool with a larger one is not offered."),
    max_message_size: bytes(65_536)
      .default(16_777_216)
      .describe('Largest message from a server; a larger one ends its connection.'),
  })
  .prefault({})
  .describe('What servers may offer and send.');

const authorization = z
  .strictObject({
    credentials_file: text()
      .default('mcp_credentials.json')
      .describe(
        'File for tokens and registrations, made with mode 0600; whoever can read it can act in your name at those servers.',
      ),
    callback_port: z
      .int()
      .min(0)
      .max(65_535)
      .default(8001)
      .describe(
        'Port on 127.0.0.1 that browsers come back to, open from the first authorization on; 0 takes any free one, which not every authorization server accepts.',
      ),
    callback_url: z
      .url({ protocol: /^https?$/ })
      .nullable()
      .default(null)
      .describe(
        'Address that leads to the callback port, where browsers are on other machines and a proxy stands before it.',
      ),
    client_metadata_url: z
      .url({ protocol: /^https$/ })
      .nullable()
      .default(null)
      .describe(
        'Address of a document of yours that describes Parley as a client; without it Parley registers itself.',
      ),
    timeout: seconds()
      .default(3600)
      .describe('Time that a person has to authorize a server; after it the address is made anew.'),
  })
  .prefault({})
  .describe(
    'Servers that ask for OAuth: a person opens the address that Parley tells, once; then tokens are refreshed by themselves.',
  );

const sampling = z
  .strictObject({
    permission: z
      .enum(['ask', 'always', 'never'])
      .default('ask')
      .describe(
        'Whether a server may have the model asked in the middle of a call: after a person has allowed it, at once, or not at all. It costs what the active provider takes, and is not among the usage of the turn.',
      ),
    max_tokens: count('tokens', 1).default(2000).describe('Longest answer that a server gets; a longer one is cut.'),
    requests_per_call: count('requests', 1, 1000)
      .default(5)
      .describe('Requests to the model that one tool call may make.'),
  })
  .prefault({})
  .describe('Requests of servers to the model.');

const resourcesInPrompt = z
  .strictObject({
    max_listed: count('resources', 0, 10_000)
      .default(50)
      .describe(
        'Resources that the system prompt tells the name and description of, so that the model knows what can be included; each costs tokens in every request.',
      ),
    contents: z
      .array(z.strictObject({ server: text().describe('The MCP server.'), uri: text().describe('The resource.') }))
      .default([])
      .describe(
        'Resources whose contents stand in the system prompt, each as {server, uri}; one that cannot be read is left out, and the followers of the turn are told.',
      ),
    timeout: seconds().default(2).describe('Longest time that a request to the model waits for them.'),
  })
  .prefault({})
  .describe('What of the resources of MCP servers goes into the system prompt.');

export const mcpSection = z
  .strictObject({
    config_file: text()
      .default('config/servers_config.json')
      .describe('File that lists the MCP servers ({"mcpServers": ...}); PARLEY_SERVERS_CONFIG names another.'),
    roots: z
      .array(text())
      .default([])
      .describe('Folders that servers are told they may use, where they ask; a request, not a wall.'),
    sampling,
    resources_in_prompt: resourcesInPrompt,
    connection,
    limits,
    authorization,
  })
  .prefault({})
  .describe('Tools: the MCP servers.');
