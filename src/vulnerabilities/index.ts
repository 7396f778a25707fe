// SPDX-License-Identifier: Apache-2.0
export { VulnerabilityError } from './error.ts';
export type { VulnerabilityErrorCode } from './error.ts';
export { FEED_NAMES } from './feeds/feed.ts';
export type {
  EpssEntry,
  FeedName,
  FeedReading,
  Feeds,
  FeedState,
  KevEntry,
  LifeCycle,
  SsvcEntry,
} from './feeds/feed.ts';
export { openFeeds } from './feeds/feeds.ts';
export type { OpenFeedsOptions } from './feeds/feeds.ts';
export { DEFAULT_MAX_AGE_DAYS } from './feeds/reading.ts';
export { updateFeeds } from './feeds/update-feeds.ts';
export type { FeedSources, FeedUpdate, UpdateFeedsOptions } from './feeds/update.ts';
