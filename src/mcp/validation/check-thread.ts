/** Runs the thread that validates: answers each check in order. `argument-validator.ts` starts and ends it. */
import { parentPort } from 'node:worker_threads';
import { createSchemaCheck, type FittedArguments } from './schema-check.ts';

/** Both texts are JSON: the main thread has the text of the schema already, to remember it. */
export interface CheckRequest {
  /** `fit` also changes the value so that it fits. */
  kind: 'validate' | 'fit';
  schema: string;
  value: string;
}

const { validate, fit } = createSchemaCheck();
parentPort?.on('message', ({ kind, schema, value }: CheckRequest) => {
  const parsed = JSON.parse(value);
  const response: FittedArguments =
    kind === 'fit'
      ? fit(JSON.parse(schema), parsed)
      : { arguments: parsed, result: validate(JSON.parse(schema), parsed) };
  parentPort?.postMessage(response);
});
