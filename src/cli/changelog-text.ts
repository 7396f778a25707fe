// SPDX-License-Identifier: Apache-2.0
import type { SbomChange } from '#evidence';
import type { ImageChanges, ListedFinding } from '#factory';
import { markdownText } from '#vulnerabilities';
import { formatBytes } from './format.ts';

/** Gives a changelog in Markdown. What strangers wrote is escaped. */
export function formatChangelog(revision: string, before: string, images: readonly ImageChanges[]): string {
  const fixed = new Set(images.flatMap((image) => image.fixed.map(({ id }) => id)));
  const opened = new Set(images.flatMap((image) => image.opened.map(({ id }) => id)));
  const left = new Set(images.flatMap((image) => image.left.map(({ id }) => id)));
  const head = `# ${revision}\n\nSince ${before}: ${fixed.size} vulnerabilities fixed, ${opened.size} opened, ${left.size} left.\n`;
  return [head, ...images.map(describeImage)].join('\n');
}

function describeImage({
  channel,
  component,
  before,
  after,
  platforms,
  fixed,
  opened,
  left,
  gaps,
}: ImageChanges): string {
  const title = `## ${channel}/${component}\n\n`;
  if (before === after) return `${title}Unchanged: \`${after}\`\n`;
  const sizes = platforms.map(
    ({ platform, size }) => `${platform} ${formatBytes(size.before)} to ${formatBytes(size.after)}`,
  );
  return [
    `${title}\`${after}\`, was \`${before}\`. Size: ${sizes.join(', ')}.\n`,
    findings('Fixed', fixed),
    findings('Opened', opened),
    findings('Left', left),
    changes(platforms.flatMap((one) => one.changes)),
    gaps.length === 0
      ? ''
      : `\nNot checked:\n${gaps.map(({ what, reason }) => `- ${markdownText(what)}: ${markdownText(reason)}\n`).join('')}`,
  ].join('');
}

function findings(title: string, list: readonly ListedFinding[]): string {
  const lines = list.map(({ id, severity, package: name, version, fix, reachability, path, summary }) => {
    const cure = fix === undefined ? 'no fix' : `fixed in ${fix}`;
    const calls = path === undefined ? '' : `  Called by ${markdownText(path)}\n`;
    const known = [`${name} ${version}`, cure, reachability].map(markdownText).join(', ');
    return `- ${markdownText(id)} (${severity}), ${known}: ${markdownText(summary)}\n${calls}`;
  });
  return lines.length === 0 ? '' : `\n${title}:\n${lines.join('')}`;
}

/** Files follow from the rest; the same change on several platforms is told once. */
function changes(all: readonly SbomChange[]): string {
  const lines = all
    .filter(({ what }) => what !== 'file')
    .map(
      ({ what, name, before, after }) =>
        `- ${what} ${markdownText(name)}: ${markdownText(before ?? 'none')} to ${markdownText(after ?? 'none')}\n`,
    );
  return lines.length === 0 ? '' : `\nChanged:\n${[...new Set(lines)].join('')}`;
}
