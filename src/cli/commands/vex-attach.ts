// SPDX-License-Identifier: Apache-2.0
import { dirname, join } from 'node:path';
import { type AttachedVex, attachVex, type VexTarget } from '#factory';
import { VERDICT_EXIT_CODE } from '../exit-codes.ts';
import { formatTable } from '../format.ts';
import { openImage } from '../image.ts';
import { reachabilityDecisions } from '../reachability.ts';
import { openRegistryClient } from '../registry.ts';
import { readReleaseImages, type ReleaseImage } from '../release-images.ts';
import { type OutputFlags, print, withProgress } from '../session.ts';
import { requireSigner, type SigningFlags } from '../signer.ts';
import { openDecisions, type VexFlags } from '../vex-decisions.ts';
import type { World } from '../world.ts';

interface AttachFlags extends VexFlags, OutputFlags, Omit<SigningFlags, 'sign'> {
  readonly to?: string;
  readonly author?: string;
  readonly namespace: string;
  readonly plainHttp?: boolean;
}

/** `oakum vex attach`: signs the decisions that hold about each image of a release, and attaches them where it lies. */
export async function attachDecisions(release: string, flags: AttachFlags, world: World): Promise<void> {
  const attached = await withProgress(flags, world, async (report) => {
    const { decisions, vendor, now } = await openDecisions(flags, world);
    const { images, file } = await readReleaseImages(release, world);
    const targets = await openTargets(images, { flags, layout: join(dirname(file), 'oci'), world });
    const signer = await requireSigner(flags, world, report);
    return attachVex(targets, {
      decisions: [...decisions, ...(await reachabilityDecisions(images, world))],
      now,
      report,
      origin: { author: flags.author ?? vendor, tooling: `oakum/${world.version}`, namespace: flags.namespace },
      signing: { signer, cosignV2Tags: flags.cosignV2Tags === true },
    });
  });
  const shown = attached.map(({ image, document, isNew }) => ({
    image: `${image.repository}@${image.index}`,
    document: document?.['@id'],
    statements: document?.statements.length ?? 0,
    isNew,
  }));
  print(flags, shown, () => describe(attached));
  if (shown.every(({ document }) => document === undefined)) process.exitCode = VERDICT_EXIT_CODE;
}

async function openTargets(
  images: readonly ReleaseImage[],
  { flags, layout, world }: { flags: AttachFlags; layout: string; world: World },
): Promise<readonly VexTarget[]> {
  const client = openRegistryClient(flags.plainHttp === true, world);
  const registry = flags.to?.replace(/\/+$/, '');
  return Promise.all(
    images.map(async (image) => {
      const place = `${image.channel}/${image.component}`;
      const name = registry === undefined ? `oci:${layout}:${place}:${image.tag}` : `${registry}/${place}:${image.tag}`;
      const { store, root } = await openImage(name, client, world.workingFolder);
      const repository = registry === undefined ? image.repository : `${registry}/${place}`;
      return { image: { ...image, repository }, store, root: await root() };
    }),
  );
}

function describe(attached: readonly AttachedVex[]): string {
  const rows = attached.map(({ image, document, isNew }) => [
    `${image.channel}/${image.component}`,
    String(document?.statements.length ?? 0),
    document === undefined ? '-' : isNew ? 'attached' : 'there already',
  ]);
  return formatTable(['IMAGE', 'STATEMENTS', 'STATE'], rows, ['STATEMENTS']);
}
