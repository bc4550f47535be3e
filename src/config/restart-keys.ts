/**
 * Lists the keys that need a restart. Every other key is reloadable: docs/reference/configuration.md marks each from this table, and
 * test/reload/every-key.test.ts reloads each.
 */
import { dotted, type KeyPath } from './places.ts';

/** By key, or by section for all keys below it: the reason. */
export const restartKeys: Readonly<Record<string, string>> = {
  'chat.websocket.host': 'the server already listens there',
  'chat.websocket.port': 'the server already listens there',
  'chat.websocket.endpoint': 'clients and proxies are already set up for it',
  'chat.service.recovery': 'it applies to turns of an earlier process',
  'auth.mode': 'it decides the owner of every open socket and conversation',
  'auth.allow_anonymous_beyond_loopback': 'it belongs to host and mode',
  'inspect.enabled': 'its pages are set up at the start',
  'inspect.search_time_ms': 'its pages are set up at the start',
  'inspect.beyond_loopback': 'it belongs to auth.mode',
  'inspect.include_content': 'kept events already have the content, or lack it',
  'inspect.max_events': 'events are already kept up to this limit',
  'inspect.max_event_chars': 'events are already cut to this limit',
  'repository.type': 'the database is open',
  'repository.path': 'the database is open',
  'repository.synchronous': 'the database is open',
  'repository.persistence.enabled': 'the database is open',
  'repository.persistence.clear_on_startup': 'it applies only at the start',
  'mcp.connection.startup_wait': 'it applies only at the start',
  'mcp.authorization.credentials_file': 'the file is in use',
  'mcp.authorization.callback_port': 'pending authorizations redirect there',
  'mcp.authorization.callback_url': 'pending authorizations redirect there',
  'mcp.authorization.client_metadata_url': 'Parley is already registered with it',
  'logging.format': 'the log is open',
  'logging.include_content': 'the log is open',
};

/** True if a change of this key takes effect only after a restart. */
export function needsRestart(path: KeyPath): boolean {
  const key = dotted(path);
  return Object.keys(restartKeys).some((each) => key === each || key.startsWith(`${each}.`));
}
