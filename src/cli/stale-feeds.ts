// SPDX-License-Identifier: Apache-2.0
import type { FeedReading, Finding } from '#vulnerabilities';

/** Gives the feeds that are not fresh, as lines for people; empty where all are. */
export function describeFeeds(feeds: readonly FeedReading[]): string {
  const stale = feeds.filter((feed) => feed.state !== 'fresh');
  const lines = stale.map(
    ({ name, state, reason }) => `  ${name}: ${state}${reason === undefined ? '' : `, ${reason}`}\n`,
  );
  return lines.length === 0 ? '' : `Feeds that are not fresh:\n${lines.join('')}`;
}

/** Gives a finding's severity in short: `high 7.5 exploited`. */
export function describeRating({ severity, kev }: Pick<Finding, 'severity' | 'kev'>): string {
  const score = severity.score === undefined ? '' : ` ${severity.score.toFixed(1)}`;
  return `${severity.rating}${score}${kev === undefined ? '' : ' exploited'}`;
}
