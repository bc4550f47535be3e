/**
 * Migrates a database from every earlier schema, one version at a time. A step is never changed later. Runs in the write
 * thread, inside one transaction of the caller: a step that fails leaves the file unchanged, so no copy is made first.
 */
import type { Database } from 'better-sqlite3';
import { noteVersion, schemaVersion } from './schema.ts';

/** By the version that a step starts from. */
const steps = new Map([
  [
    1,
    `
    ALTER TABLE turns ADD COLUMN waiting_until INTEGER;
    CREATE INDEX turns_waiting ON turns (waiting_until) WHERE waiting_until IS NOT NULL;
    ALTER TABLE conversations ADD COLUMN name TEXT NOT NULL DEFAULT '';
    UPDATE conversations SET name = id;
    ALTER TABLE conversations ADD COLUMN remembered TEXT;
    CREATE UNIQUE INDEX conversations_by_name ON conversations (owner, name);
    CREATE INDEX conversations_by_time ON conversations (owner, updated_at, name);
    CREATE TABLE leftovers (left_by TEXT PRIMARY KEY);
    CREATE TABLE drafts (
      conversation_id TEXT PRIMARY KEY, message_id TEXT NOT NULL, request_id TEXT NOT NULL,
      text TEXT NOT NULL, reasoning TEXT NOT NULL, model TEXT, updated_at TEXT NOT NULL
    );`,
  ],
  [
    2,
    `
    ALTER TABLE conversations ADD COLUMN spent_tokens INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE conversations ADD COLUMN cost REAL NOT NULL DEFAULT 0;
    UPDATE conversations SET spent_tokens = (
      SELECT CAST(TOTAL(CASE WHEN json_valid(usage) THEN usage ->> 'total_tokens' END) AS INTEGER)
        FROM chat_events WHERE conversation_id = conversations.id);`,
  ],
  [
    3,
    `
    ALTER TABLE leftovers RENAME TO pending_deletions;
    ALTER TABLE pending_deletions RENAME COLUMN left_by TO conversation_id;
    UPDATE chat_events SET extra = json_remove(json_set(extra, '$.idempotent', extra -> '$.harmless'), '$.harmless')
      WHERE type IN ('tool_call', 'meta') AND CASE WHEN json_valid(extra) THEN extra -> '$.harmless' END IS NOT NULL;`,
  ],
  [
    4,
    `
    ALTER TABLE conversations ADD COLUMN updated_seq INTEGER NOT NULL DEFAULT 0;
    UPDATE conversations SET updated_seq = place
      FROM (SELECT id AS ordered, ROW_NUMBER() OVER (ORDER BY updated_at, name, id) AS place FROM conversations)
     WHERE id = ordered;
    DROP INDEX conversations_by_time;
    CREATE INDEX conversations_by_update ON conversations (owner, updated_seq);`,
  ],
  [
    5,
    // The usage of the day of the migration counts from then on.
    `
    ALTER TABLE conversations ADD COLUMN bytes INTEGER NOT NULL DEFAULT 0;
    UPDATE conversations SET bytes = stored
      FROM (SELECT conversation_id, SUM(256 + IFNULL(octet_length(content), 0) + IFNULL(octet_length(tool_calls), 0)
                                        + IFNULL(octet_length(usage), 0) + IFNULL(octet_length(extra), 0)) AS stored
              FROM chat_events GROUP BY conversation_id)
     WHERE id = conversation_id;
    CREATE TABLE owner_totals (
      owner TEXT PRIMARY KEY, conversations INTEGER NOT NULL, bytes INTEGER NOT NULL, minute TEXT NOT NULL,
      turns INTEGER NOT NULL, day TEXT NOT NULL, tokens INTEGER NOT NULL, cost REAL NOT NULL, forks INTEGER NOT NULL
    );
    INSERT INTO owner_totals SELECT owner, COUNT(*), SUM(bytes), '', 0, '', 0, 0, 0 FROM conversations GROUP BY owner;`,
  ],
]);

/** Migrates the tables from schema `version` to `schemaVersion`. Writes nothing if the file has that version already. */
export function migrate(db: Database, version: number): void {
  for (let from = version; from < schemaVersion; from += 1) db.exec(steps.get(from) ?? '');
  if (Number(db.pragma('user_version', { simple: true })) !== schemaVersion) noteVersion(db);
}
