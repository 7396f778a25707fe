// SPDX-License-Identifier: Apache-2.0
export { canonicalJson, readableJson } from './canonical-json.ts';
export type { Json } from './canonical-json.ts';
