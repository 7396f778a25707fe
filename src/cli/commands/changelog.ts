// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OakumError } from '#core';
import type { DiffSide, SbomChange } from '#evidence';
import { type ChangelogPair, compareRevisions, type ImageChanges, type ListedFinding } from '#factory';
import { openFeedsOf } from '../feed-settings.ts';
import { formatBytes } from '../format.ts';
import { openImage } from '../image.ts';
import { openRegistryClient } from '../registry.ts';
import { type OutputFlags, print } from '../session.ts';
import { type Loaded, loadDefinition, type SharedFlags } from '../shop.ts';
import type { World } from '../world.ts';

interface ChangelogFlags extends SharedFlags, OutputFlags {
  readonly since?: string;
  readonly to?: string;
  readonly layout: string;
  readonly component?: readonly string[];
  readonly plainHttp?: boolean;
}

/** `oakum changelog`: says in Markdown what a revision changed in each image, and which findings it fixed, opened and left. */
export async function changelog(revision: string, flags: ChangelogFlags, world: World): Promise<void> {
  const loaded = await loadDefinition(flags, world);
  const before = flags.since ?? loaded.lock?.revisions?.[revision]?.predecessor ?? predecessorOf(revision);
  const pairs = await openPairs({ before, after: revision }, loaded, { flags, world });
  const images = await compareRevisions(pairs, {
    feeds: openFeedsOf(loaded.read, world),
    now: world.clock.now(),
    temporary: () => join(tmpdir(), `oakum-changelog-${randomUUID()}`),
  });
  print(flags, { revision, since: before, images }, () => describe(revision, before, images));
}

interface Revisions {
  readonly before: string;
  readonly after: string;
}

function predecessorOf(revision: string): string {
  const [, release, number] = /^(\d+\.\d+\.\d+)-r([1-9]\d*)$/.exec(revision) ?? [];
  if (number !== undefined) return `${release}-r${Number(number) - 1}`;
  throw new OakumError('usage', 'REVISION_INVALID', `"${revision}" is no revision that has one before it`, {
    hint: 'Write 2.9.2-r1, or name the earlier one with --since.',
  });
}

async function openPairs(
  revisions: Revisions,
  { read, lock }: Loaded,
  { flags, world }: { flags: ChangelogFlags; world: World },
): Promise<readonly ChangelogPair[]> {
  const client = openRegistryClient(flags.plainHttp === true, world);
  const open = async (place: string): Promise<DiffSide> => {
    const name = flags.to === undefined ? `oci:${flags.layout}:${place}` : `${flags.to.replace(/\/+$/, '')}/${place}`;
    const { image, store, root } = await openImage(name, client, world.workingFolder);
    return { image, store, root: await root() };
  };
  const chosen = Object.keys(read.definition.components).filter((name) => flags.component?.includes(name) ?? true);
  const tag = (component: string, revision: string) => {
    const [, release = '', number = ''] = /^(.+)-r(\d+)$/.exec(revision) ?? [];
    const version = lock?.releases[release]?.components[component]?.module.version;
    if (version !== undefined) return `${version}-r${number}`;
    throw new OakumError(
      'definition',
      'LOCK_INCOMPLETE',
      `the lock does not say which ${component} is in ${revision}`,
      {
        hint: `Run \`oakum lock ${release}\`.`,
      },
    );
  };
  return Promise.all(
    Object.keys(read.definition.channels).flatMap((channel) =>
      chosen.map(async (component): Promise<ChangelogPair> => {
        const names = [revisions.before, revisions.after].map(
          (one) => `${channel}/${component}:${tag(component, one)}`,
        );
        const [before, after] = await Promise.all(names.map(open));
        return { channel, component, before: before as DiffSide, after: after as DiffSide };
      }),
    ),
  );
}

function describe(revision: string, before: string, images: readonly ImageChanges[]): string {
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
      : `\nNot checked:\n${gaps.map(({ what, reason }) => `- ${inert(what)}: ${inert(reason)}\n`).join('')}`,
  ].join('');
}

function findings(title: string, list: readonly ListedFinding[]): string {
  const lines = list.map(({ id, severity, package: name, version, fix, summary }) => {
    const cure = fix === undefined ? 'no fix' : `fixed in ${fix}`;
    return `- ${id} (${severity}), ${inert(name)} ${inert(version)}, ${inert(cure)}: ${inert(summary)}\n`;
  });
  return lines.length === 0 ? '' : `\n${title}:\n${lines.join('')}`;
}

/** Files follow from the rest; the same change on several platforms is told once. */
function changes(all: readonly SbomChange[]): string {
  const lines = all
    .filter(({ what }) => what !== 'file')
    .map(
      ({ what, name, before, after }) =>
        `- ${what} ${inert(name)}: ${inert(before ?? 'none')} to ${inert(after ?? 'none')}\n`,
    );
  return lines.length === 0 ? '' : `\nChanged:\n${[...new Set(lines)].join('')}`;
}

/** What strangers wrote must be no Markdown. */
function inert(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, ' ').replace(/[\\`*_{}[\]<>|#!]/g, '\\$&');
}
