// SPDX-License-Identifier: Apache-2.0
import type { FeedUpdate, UpdateFeedsOptions } from './update.ts';

/**
 * Fetches what changed in the feeds; see `update` in update.ts for what it gives and throws. Loaded when called: reading
 * feeds must not wait for the schemas that updating needs.
 */
export async function updateFeeds(options: UpdateFeedsOptions): Promise<readonly FeedUpdate[]> {
  const { update } = await import('./update.ts');
  return update(options);
}
