// SPDX-License-Identifier: Apache-2.0
export { formatReleaseDocument, RELEASE_DOCUMENT_TYPE } from './document.ts';
export type { ChannelRecord, ImageRecord, PlatformRecord, ReleaseDocument } from './document.ts';
export { formatPins, pinsPath } from './pins.ts';
export type { Pin } from './pins.ts';
export { formatRevision, imageName, imageTags, parseRevision } from './revision.ts';
export type { ImageTags, Revision } from './revision.ts';
