// SPDX-License-Identifier: Apache-2.0
export { CompatibilityError } from './error.ts';
export type { CompatibilityErrorCode } from './error.ts';
export type { CompatibilityCell } from './lifecycle/cell.ts';
