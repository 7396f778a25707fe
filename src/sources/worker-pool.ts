// SPDX-License-Identifier: Apache-2.0
import { availableParallelism } from 'node:os';
import { extname } from 'node:path';
import { Worker } from 'node:worker_threads';
import { SourcesError, type SourcesErrorCode } from './error.ts';
import type { HashFolderOptions, UnpackRequest, Unpacked } from './unpack.ts';
import type { WorkerAnswer, WorkerJob } from './unpack-worker.ts';

/** Unpacks and hashes modules in worker threads, as many as the machine has cores (eight at most); the threads start when needed. */
export interface WorkerPool {
  unpack(request: UnpackRequest): Promise<Unpacked>;
  readonly hashFolder: (folder: string, name: string, options?: HashFolderOptions) => Promise<string>;
}

interface Task {
  readonly job: WorkerJob;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/** A thread and what it works on. */
interface Slot {
  readonly worker: Worker;
  task: Task | undefined;
}

/** Gives a pool. Its threads do not keep the process alive once they are idle. */
export function createWorkerPool(size = Math.min(8, availableParallelism())): WorkerPool {
  const slots: Slot[] = [];
  const waiting: Task[] = [];

  function next(): void {
    const slot = slots.find((one) => one.task === undefined) ?? (slots.length < size ? start() : undefined);
    const task = slot === undefined ? undefined : waiting.shift();
    if (slot === undefined || task === undefined) return;
    slot.task = task;
    slot.worker.ref();
    slot.worker.postMessage(task.job, []);
  }

  function start(): Slot {
    const slot: Slot = { worker: startWorker(), task: undefined };
    slots.push(slot);
    slot.worker.on('message', (answer: WorkerAnswer) => {
      const { task } = slot;
      slot.task = undefined;
      slot.worker.unref();
      if (answer.ok) task?.resolve(answer.value);
      else task?.reject(toError(answer));
      next();
    });
    slot.worker.on('error', (error) => drop(slot, error));
    slot.worker.on('exit', () => drop(slot, new Error('a worker thread ended before its work was done')));
    return slot;
  }

  /** A thread that died takes its task with it; the next task starts another. */
  function drop(slot: Slot, error: unknown): void {
    const at = slots.indexOf(slot);
    if (at >= 0) slots.splice(at, 1);
    slot.task?.reject(error);
    slot.task = undefined;
    if (waiting.length > 0) next();
  }

  function run<T>(job: WorkerJob): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      waiting.push({ job, resolve: resolve as (value: unknown) => void, reject });
      next();
    });
  }

  return {
    unpack: (request) => run({ kind: 'unpack', request }),
    hashFolder: (folder, name, options = {}) => run({ kind: 'hash', folder, name, options }),
  };
}

/** The worker lies beside this file, or beside the bundle that this file is in; from source it needs the condition that finds the rooms. */
function startWorker(): Worker {
  const extension = extname(import.meta.url);
  return new Worker(new URL(`./unpack-worker${extension}`, import.meta.url), {
    execArgv: extension === '.ts' ? ['--conditions=oakum-source'] : [],
  });
}

function toError(answer: Extract<WorkerAnswer, { ok: false }>): Error {
  if (answer.isOurs) {
    return new SourcesError(answer.code as SourcesErrorCode, answer.message, {
      hint: 'No Go tool makes such a file: whoever serves it is broken or hostile. Nothing of it was kept.',
    });
  }
  return Object.assign(new Error(answer.message), { code: answer.code });
}
