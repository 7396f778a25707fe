// SPDX-License-Identifier: Apache-2.0
export { StoreError } from './error.ts';
export type { StoreErrorCode } from './error.ts';
export { leaveScan } from './inbox.ts';
export { hasStore, withStore } from './open.ts';
export { toScanRecord } from './record.ts';
export type { RecordedRelease, RecordedSubject, ScanRecord, StoredImage } from './record.ts';
export type {
  FlawChange,
  Refresh,
  SeenFinding,
  Store,
  StoredReport,
  StoreOptions,
  StoreStatus,
  SubjectFilter,
} from './types.ts';
