// SPDX-License-Identifier: Apache-2.0
export { DEFECT_EXIT_CODE, EXIT_CODES } from './exit-codes.ts';
export { formatCliReference } from './reference.ts';
