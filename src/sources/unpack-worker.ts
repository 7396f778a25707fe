// SPDX-License-Identifier: Apache-2.0
import { parentPort } from 'node:worker_threads';
import { OakumError } from '#core';
import { hashFolder, type HashFolderOptions, unpackModule, type UnpackRequest } from './unpack.ts';

/** A job for the worker: unpack a zip, or hash an extracted folder. */
export type WorkerJob =
  | { readonly kind: 'unpack'; readonly request: UnpackRequest }
  | { readonly kind: 'hash'; readonly folder: string; readonly name: string; readonly options: HashFolderOptions };

/** The worker's answer. Errors lose their class between threads, so they come as facts. */
export type WorkerAnswer =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly isOurs: boolean };

parentPort?.on('message', (job: WorkerJob) => parentPort?.postMessage(answer(job), []));

function answer(job: WorkerJob): WorkerAnswer {
  try {
    if (job.kind === 'unpack') return { ok: true, value: unpackModule(job.request) };
    return { ok: true, value: hashFolder(job.folder, job.name, job.options) };
  } catch (error) {
    const { code = '', message } = error as NodeJS.ErrnoException;
    return { ok: false, code, message, isOurs: error instanceof OakumError };
  }
}
