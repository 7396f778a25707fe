// SPDX-License-Identifier: Apache-2.0
export { systemClock } from './clock.ts';
export type { Clock } from './clock.ts';
export type { TlsOptions } from './dispatcher.ts';
export { digestOf, hexOf, isDigest, Measure, measure } from './digest.ts';
export type { Digest } from './digest.ts';
export { messageOf, OakumError, redact } from './error.ts';
export type { ErrorDetails, ErrorFamily } from './error.ts';
export {
  createHttp,
  discard,
  HttpError,
  isPassingStatus,
  limitedBody,
  readBody,
  readText,
  retryDelay,
} from './http.ts';
export type { Http, HttpErrorCode, HttpHeaders, HttpOptions, HttpRequest, HttpResponse } from './http.ts';
export { architectureOf, PLATFORMS, platformOfMachine } from './platform.ts';
export type { Architecture, Platform } from './platform.ts';
export { ProcessError, runProcess } from './process.ts';
export type { ProcessErrorCode, ProcessRequest, ProcessResult, RunProcess } from './process.ts';
export { reportStep } from './report.ts';
export type { Report, ReportEvent } from './report.ts';
export type { TreeEntry } from './tree.ts';
export { createFile, replaceFile, temporaryName } from './files.ts';
export { oneChunk } from './one-chunk.ts';
