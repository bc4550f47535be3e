/**
 * Lists the keys that only a restart changes. Every other key is reloadable: docs/configuration.md marks each one from
 * this table, and test/reload/every-key.test.ts shows each reloadable one in force.
 */
import { dotted, type KeyPath } from './places.ts';

/** By key, or by section for all keys below it: why the running server keeps the old value. */
export const restartKeys: Readonly<Record<string, string>> = {
  'chat.websocket.host': 'the server already listens there',
  'chat.websocket.port': 'the server already listens there',
  'chat.websocket.endpoint': 'clients and proxies are already set up for it',
  'chat.service.recovery': 'it is about turns that an earlier process left',
  'auth.mode': 'it decides whose every open socket and conversation is',
  'auth.allow_anonymous_beyond_loopback': 'it belongs to host and mode',
  'inspect.enabled': 'its pages are set up at the start',
  'inspect.search_time_ms': 'its pages are set up at the start',
  'inspect.beyond_loopback': 'it belongs to auth.mode',
  'inspect.include_content': 'events that are already kept hold the texts, or lack them',
  'inspect.max_events': 'events are already kept up to it',
  'inspect.max_event_chars': 'events are already kept up to it',
  'repository.type': 'the database is open',
  'repository.path': 'the database is open',
  'repository.synchronous': 'the database is open',
  'repository.persistence.enabled': 'the database is open',
  'repository.persistence.clear_on_startup': 'it counts at the start only',
  'mcp.connection.startup_wait': 'it counts at the start only',
  'mcp.authorization.credentials_file': 'the file is in use',
  'mcp.authorization.callback_port': 'authorizations under way lead there',
  'mcp.authorization.callback_url': 'authorizations under way lead there',
  'mcp.authorization.client_metadata_url': 'Parley is already registered by it',
  'logging.format': 'the log is open',
  'logging.include_content': 'the log is open',
};

export function needsRestart(path: KeyPath): boolean {
  const key = dotted(path);
  return Object.keys(restartKeys).some((each) => key === each || key.startsWith(`${each}.`));
}
