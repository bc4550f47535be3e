/** Finds the machines that ship: every one that machines/ exports. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { StateMachine, type AnyStateMachine } from 'xstate';

const folder = join(import.meta.dirname, '..', '..', 'machines');

/** By id. */
export async function shippingMachines(): Promise<AnyStateMachine[]> {
  const files = (await readdir(folder, { recursive: true })).filter((name) => name.endsWith('.ts'));
  const modules: object[] = await Promise.all(files.map((name) => import(join(folder, name))));
  const machines = modules
    .flatMap((module) => Object.values(module))
    .filter((exported) => exported instanceof StateMachine);
  return machines.sort((one, other) => one.id.localeCompare(other.id));
}
