// SPDX-License-Identifier: Apache-2.0
export { checkedContent, readContent } from './content.ts';
export type { ContentPlatform, ContentSink, ContentSource, Descriptor, ManifestSink } from './content.ts';
export { ImageError } from './error.ts';
export type { ImageErrorCode } from './error.ts';
