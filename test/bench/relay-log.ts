/**
 * Stores messages at the least cost of durable storage: one table on the main thread. One transaction holds all
 * messages that arrive in a turn of the event loop. Serves only as a baseline for the relay; Parley's log is src/store.
 */
import Database from 'better-sqlite3';

export interface Message {
  conversation: string;
  role: 'user' | 'assistant';
  text: string;
}

export interface RelayLog {
  /** Resolves when the message is committed. */
  append(message: Message): Promise<void>;
}

export function openRelayLog(path: string): RelayLog {
  const db = new Database(path);
  db.pragma('journal_mode = WAL');
  db.pragma('synchronous = FULL');
  db.exec('CREATE TABLE messages (conversation TEXT, role TEXT, text TEXT, at INTEGER)');
  const insert = db.prepare<[string, string, string, number]>('INSERT INTO messages VALUES (?, ?, ?, ?)');
  let waiting: { message: Message; done: () => void }[] = [];

  const insertAll = db.transaction((batch: typeof waiting) => {
    for (const { message } of batch) insert.run(message.conversation, message.role, message.text, Date.now());
  });
  const commit = () => {
    const batch = waiting;
    waiting = [];
    insertAll(batch);
    for (const { done } of batch) done();
  };

  return {
    append: (message) =>
      new Promise((done) => {
        waiting.push({ message, done });
        if (waiting.length === 1) setImmediate(commit);
      }),
  };
}
