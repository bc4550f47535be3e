/** Makes a database file as version 3 of the schema left it: version 2 with the additions of version 3, written out. */
import type Database from 'better-sqlite3';
import { versionTwoFile } from './version-2.ts';

const at = '2026-01-01T00:00:00.000Z';
const tool = '"name":"look","server":"demo","tool_name":"look","definition":"d","hop":0';

/** In the open turn r2 the model has asked for three calls: two are dispatched, the third waits for approval. */
const added = `
  ALTER TABLE conversations ADD COLUMN spent_tokens INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE conversations ADD COLUMN cost REAL NOT NULL DEFAULT 0;
  UPDATE conversations SET spent_tokens = 9 WHERE id = 'c';
  INSERT INTO chat_events (id, conversation_id, seq, timestamp, type, role, content, tool_calls, tool_call_id, extra, token_count, request_id) VALUES
    ('m7', 'c', 5, '${at}', 'assistant_message', 'assistant', '', '[${['c1', 'c2', 'c3'].map((id) => `{"id":"${id}","type":"function","function":{"name":"look","arguments":"{}"}}`).join()}]', NULL, '{"hop":0}', 1, 'r2'),
    ('m8', 'c', 6, '${at}', 'tool_call', 'assistant', '{}', NULL, 'c1', '{"call_id":"c1",${tool},"harmless":true,"attempt":1}', 1, 'r2'),
    ('m9', 'c', 7, '${at}', 'tool_call', 'assistant', '{}', NULL, 'c2', '{"call_id":"c2",${tool},"harmless":false,"attempt":1}', 1, 'r2'),
    ('m10', 'c', 8, '${at}', 'meta', NULL, NULL, NULL, 'c3', '{"kind":"approval_request","call_id":"c3",${tool},"harmless":true,"arguments":{"text":"harmless"},"expires_at":"2100-01-01T00:00:00.000Z"}', NULL, 'r2'),
    ('m11', 'd', 3, '${at}', 'meta', NULL, NULL, NULL, NULL, 'no json', NULL, 'r1'),
    ('m12', 'd', 4, '${at}', 'user_message', 'user', 'Hello', NULL, NULL, '{"metadata":{"harmless":true},"harmless":1}', 1, 'r1');
  INSERT INTO leftovers (left_by) VALUES ('gone');
  INSERT INTO chat_events (id, conversation_id, seq, type, content) VALUES ('g1', 'gone', 1, 'user_message', 'Delete me.');
  UPDATE conversations SET head_seq = 8 WHERE id = 'c';
  UPDATE conversations SET head_seq = 4 WHERE id = 'd';
  PRAGMA user_version = 3;`;

/** Makes the file; `more` changes it before it is closed. The deleted conversation `gone` has a row that is not swept yet. */
export function versionThreeFile(path: string, more: (db: Database.Database) => void = () => {}): void {
  versionTwoFile(path, (db) => {
    db.exec(added);
    more(db);
  });
}
