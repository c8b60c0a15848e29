/** Imports task modules. Run it where user code may run: in a worker or a program's own process, never in the master. */

import { basename } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ForkloopError, toErrorRecord } from '../lib/errors.ts';
import { type AnyTask, isTask } from './define.ts';
import { findTsx, stripsTypes } from './typescript.ts';

/**
 * The tasks that the modules export, by name. A module is ESM or CommonJS; TypeScript where `tsx` is installed or Node
 * strips types. A file whose name starts with `_` may hold no task: it is for what the others share.
 *
 * Faults are ERR_TASK_MODULE: a module does not load, holds no task, or two tasks have one name. `fault` may throw, and
 * does by default; where it returns, the others are loaded, and what was wrong is left out.
 */
export async function loadTasks(
  modules: readonly string[],
  fault: (error: ForkloopError) => void = rethrow,
): Promise<ReadonlyMap<string, AnyTask>> {
  await enableTypeScript(modules);
  const tasks = new Map<string, AnyTask>();
  const origin = new Map<string, string>();
  for (const path of modules) {
    const module = await importModule(path);
    if (module instanceof ForkloopError) {
      fault(module);
      continue;
    }
    const found = tasksOf(module);
    if (found.size === 0 && !basename(path).startsWith('_')) {
      fault(
        moduleError(
          `${path} exports no task: export what defineTask returns, or let the file's name start with _`,
        ),
      );
    }
    for (const task of found) {
      const known = tasks.get(task.name);
      if (known === undefined) {
        tasks.set(task.name, task);
        origin.set(task.name, path);
      } else if (known !== task) {
        fault(moduleError(`two tasks are named ${task.name}: in ${origin.get(task.name)} and in ${path}`));
      }
    }
  }
  return tasks;
}

function rethrow(error: ForkloopError): never {
  throw error;
}

async function importModule(path: string): Promise<object> {
  try {
    return (await import(pathToFileURL(path).href)) as object;
  } catch (error) {
    const { name, message, stack } = toErrorRecord(error);
    const failure = moduleError(`${path} does not load: ${name}: ${message}`, error);
    if (stack !== undefined) failure.stack = stack;
    return failure;
  }
}

/** Every export and default export, and what a CommonJS `module.exports` object holds. */
function tasksOf(module: object): Set<AnyTask> {
  const exported = Object.values(module);
  const inner = (module as { default?: unknown }).default;
  const nested = typeof inner === 'object' && inner !== null && !isTask(inner) ? Object.values(inner) : [];
  return new Set([...exported, ...nested].filter(isTask));
}

const TYPESCRIPT = /\.[cm]?ts$/;
const TSX_LOADED = process.execArgv.some((argument) => argument.includes('tsx'));

async function enableTypeScript(modules: readonly string[]): Promise<void> {
  const first = modules.find((path) => TYPESCRIPT.test(path));
  if (first === undefined || TYPESCRIPT.test(import.meta.url) || TSX_LOADED) return;
  const tsx = findTsx(first) ?? findTsx(import.meta.url);
  if (tsx !== null) {
    for (const api of tsx.apis) ((await import(api)) as { register(): void }).register();
  } else if (!stripsTypes()) {
    throw moduleError(`${first}: this Node runs no TypeScript: install tsx or compile it`);
  }
}

const moduleError = (message: string, cause?: unknown) =>
  new ForkloopError('ERR_TASK_MODULE', message, { cause });
