// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { messageOf, OakumError, replaceFile } from '#core';
import { completeLock, type InstallManifest, lockTool, openManifests } from '#factory';
import { parseRepository } from '#image';
import {
  type ChannelRecord,
  INSTALL_DEFAULTS,
  type InstallOptions,
  type LogLevel,
  optionFaults,
  parseRevision,
  type ReleaseDocument,
} from '#release';
import { type FromFlags, locateRelease } from '../locate-release.ts';
import { registryOfChannel, requireLocked } from '../locked-release.ts';
import { withProgress } from '../session.ts';
import { keepLock, type Loaded, loadDefinition, openShop, type SharedFlags } from '../shop.ts';
import type { World } from '../world.ts';

/** What is asked of the manifests of a revision. */
export interface ManifestsFlags extends SharedFlags, FromFlags {
  readonly channel?: string;
  readonly components?: readonly string[];
  readonly registry?: string;
  readonly pullSecret?: string;
  readonly namespace: string;
  readonly clusterDomain: string;
  readonly logLevel: string;
  readonly tolerationKeys?: readonly string[];
  readonly networkPolicy: boolean;
  readonly watchAllNamespaces: boolean;
  readonly output?: string;
  readonly locked?: boolean;
  readonly quiet?: boolean;
}

/** `oakum manifests`: prints what installs a release. */
export async function manifests(version: string, flags: ManifestsFlags, world: World): Promise<void> {
  const { text } = await makeManifests(version, flags, world);
  if (flags.output === undefined) process.stdout.write(text);
  else await replaceFile(resolve(world.workingFolder, flags.output), text);
}

/** Install manifests, and the release document that names their images. */
export interface MadeManifests {
  readonly text: string;
  readonly document: ReleaseDocument;
  readonly file: string;
}

/** Makes the install manifests of a revision from its release document. */
export async function makeManifests(version: string, flags: ManifestsFlags, world: World): Promise<MadeManifests> {
  const { document, where: file } = await locateRelease(version, flags, world);
  const { channel, record } = chooseChannel(flags.channel, document, file);
  const registry = flags.registry === undefined ? registryOfChannel(record, channel) : toRegistry(flags.registry);
  const loaded = await loadDefinition(flags, world);
  const options = toOptions(flags, record, loaded);
  const images = record.images.filter(({ component }) => options.components.includes(component));
  const { text } = await withProgress(
    { quiet: flags.quiet === true },
    world,
    async (report): Promise<InstallManifest> => {
      const shop = await openShop(loaded, { flags, world, report });
      const { definition } = loaded.read;
      const locked = flags.locked === true;
      const completed = await completeLock({ ...loaded, definition, version: document.release, locked }, shop);
      const tool = await lockTool('kustomize', { ...loaded, definition, lock: completed.lock, locked }, shop);
      const changed = completed.changed || tool.changed;
      await keepLock({ ...completed, ...tool, changed }, loaded.lockFile, report);
      requireLocked(record, document.release, tool.lock, file);
      const absent = Object.keys(definition.components).filter((name) => !isIn(record, name));
      if (absent.length > 0 && flags.components === undefined)
        report({ kind: 'warning', message: `the release document is of a part: it has no ${absent.join(', ')}` });
      const { release, number } = parseRevision(document.revision) ?? { release: document.release, number: 0 };
      const maker = openManifests({ definition, lock: tool.lock, release, revision: number, registry }, shop);
      return maker.install({ channel, images, options });
    },
  );
  return { text, document, file };
}

/** Takes --registry; throws `REGISTRY_INVALID` where no image could be pulled from there. */
function toRegistry(text: string): string {
  const registry = text.replace(/\/+$/, '');
  try {
    parseRepository(`${registry}/image`);
    return registry;
  } catch (error) {
    throw new OakumError('usage', 'REGISTRY_INVALID', `"${text}" is no registry: ${messageOf(error)}`, {
      hint: 'Write its host, with a path where it has one and without a scheme: mirror.local:5000/flux.',
    });
  }
}

function isIn({ images }: ChannelRecord, name: string): boolean {
  return images.some(({ component }) => component === name);
}

function chooseChannel(
  wanted: string | undefined,
  { channels }: ReleaseDocument,
  file: string,
): { readonly channel: string; readonly record: ChannelRecord } {
  const names = Object.keys(channels);
  const channel = wanted ?? (names.length === 1 ? names[0] : undefined);
  const record = channel === undefined ? undefined : channels[channel];
  if (channel !== undefined && record !== undefined) return { channel, record };
  const message = wanted === undefined ? 'the release has several channels' : `the release has no channel "${wanted}"`;
  throw new OakumError('usage', 'UNKNOWN_CHANNEL', message, {
    where: file,
    hint: `Name one with --channel: ${names.join(', ')}.`,
  });
}

function toOptions(flags: ManifestsFlags, { images }: ChannelRecord, { read }: Loaded): InstallOptions {
  const known = images.map(({ component }) => component);
  const named = flags.components ?? known;
  const pullSecret = flags.pullSecret ?? read.definition.manifests.pullSecret;
  const options: InstallOptions = {
    ...INSTALL_DEFAULTS,
    namespace: flags.namespace,
    components: named,
    networkPolicy: flags.networkPolicy,
    watchAllNamespaces: flags.watchAllNamespaces,
    logLevel: flags.logLevel as LogLevel,
    clusterDomain: flags.clusterDomain,
    tolerationKeys: flags.tolerationKeys ?? [],
    ...(pullSecret === undefined ? {} : { pullSecret }),
  };
  const faults = optionFaults(options, known);
  if (faults.length === 0) return { ...options, components: known.filter((name) => named.includes(name)) };
  throw new OakumError('usage', 'OPTIONS_INVALID', faults.join('; '), { hint: `Components: ${known.join(', ')}.` });
}
