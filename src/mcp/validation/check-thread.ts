/** Runs the thread that validates: answers each check in order. `argument-validator.ts` starts and ends it. */
import { parentPort } from 'node:worker_threads';
import { createSchemaCheck } from './schema-check.ts';

/** Both as JSON: the main thread has the text of the schema already, to remember it. */
export interface CheckRequest {
  schema: string;
  value: string;
}

const check = createSchemaCheck();
parentPort?.on('message', ({ schema, value }: CheckRequest) =>
  parentPort?.postMessage(check(JSON.parse(schema), JSON.parse(value))),
);
