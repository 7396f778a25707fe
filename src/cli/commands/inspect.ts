// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path';
import { OakumError } from '#core';
import {
  type ClaimSummary,
  findPredicate,
  type ImageInspection,
  inspectImage,
  type InspectRequest,
  layoutEvidence,
  type PlatformInspection,
  PREDICATES,
  type ProvenanceReading,
  registryEvidence,
} from '#evidence';
import { MAX_MANIFEST_BYTES, openLayout, parseReference, readContent } from '#image';
import { formatBytes, formatSpan, formatTable } from '../format.ts';
import { openRegistryClient } from '../registry.ts';
import { type OutputFlags, print } from '../session.ts';
import type { World } from '../world.ts';

interface InspectFlags extends OutputFlags {
  readonly sbom?: 'spdx' | 'cyclonedx';
  readonly provenance?: boolean;
  readonly platform?: readonly string[];
  readonly plainHttp?: boolean;
}

const TYPES = {
  spdx: [PREDICATES.spdx],
  cyclonedx: [PREDICATES.cyclonedx],
  provenance: [PREDICATES.provenanceV1, PREDICATES.provenanceV02],
} as const;

/** `oakum inspect`: prints what an image is, what is in it and who built it; or its SBOM or provenance alone. */
export async function inspect(image: string, flags: InspectFlags, world: World): Promise<void> {
  const request = await openImage(image, flags, world);
  const wanted = flags.sbom ?? (flags.provenance ? 'provenance' : undefined);
  if (wanted !== undefined) {
    // As with a pull, this machine's platform is meant where there are several and none is named.
    const preferred = world.platform === undefined ? {} : { platform: world.platform };
    const predicate = await findPredicate({ ...request, ...preferred, types: TYPES[wanted] });
    process.stdout.write(`${JSON.stringify(predicate, null, 2)}\n`);
    return;
  }
  const inspection = await inspectImage(request);
  print(flags, inspection, () => describe(inspection));
}

/** `oci:FOLDER:NAME` is an image of a layout, as skopeo writes it; all else is one of a registry. */
async function openImage(image: string, flags: InspectFlags, world: World): Promise<InspectRequest> {
  const platforms = flags.platform === undefined ? {} : { platforms: flags.platform };
  const [, folder, name] = /^oci:([^:]+):(.+)$/.exec(image) ?? [];
  if (folder !== undefined && name !== undefined) {
    const layout = await openLayout(resolve(world.workingFolder, folder));
    const descriptor = await layout.resolve(name);
    const bytes = await readContent(layout, descriptor, MAX_MANIFEST_BYTES);
    return { image, root: { descriptor, bytes }, store: layoutEvidence(layout), ...platforms };
  }
  if (image.startsWith('oci:')) {
    throw new OakumError('usage', 'REFERENCE_INVALID', 'an image of a layout is named oci:FOLDER:NAME', {
      where: image,
      hint: 'For example oci:out/oci:distroless/source-controller:v1.9.3.',
    });
  }
  const reference = parseReference(image);
  const client = openRegistryClient(flags.plainHttp === true, world);
  return { image, root: await client.manifest(reference), store: registryEvidence(client, reference), ...platforms };
}

function describe(inspection: ImageInspection): string {
  const { annotations, platforms, claims } = inspection;
  const at = (name: string) => annotations[`org.opencontainers.image.${name}`];
  const head = facts([
    ['digest', inspection.digest],
    ['version', at('version')],
    ['vendor', at('vendor')],
    ['source', [at('source'), at('revision')].filter(Boolean).join(' at ')],
    ['created', at('created')],
  ]);
  const attached = [
    ...claims.map((claim) => ['image', claim] as const),
    ...platforms.flatMap((one) => one.claims.map((claim) => [one.platform, claim] as const)),
  ];
  const refused = [...inspection.refused, ...platforms.flatMap((one) => one.refused)];
  return [
    `${inspection.image}\n${head}`,
    ...platforms.map(describePlatform),
    attached.length === 0
      ? 'No evidence is attached.\n'
      : formatTable(['EVIDENCE', 'ABOUT', 'IN', 'SIGNED BY'], attached.map(toRow)),
    ...(refused.length === 0 ? [] : [refused.map(({ digest, reason }) => `not read: ${digest}: ${reason}\n`).join('')]),
    'Nothing here is verified; `oakum verify` does that.\n',
  ].join('\n');
}

function describePlatform(one: PlatformInspection): string {
  const { content, provenance } = one;
  const layers = `${formatBytes(one.size)} in ${one.layers} layer${one.layers === 1 ? '' : 's'}`;
  return `${one.platform}\n${facts([
    ['digest', one.digest],
    ['size', layers],
    ['runs', `${one.command.join(' ')}${one.user ? ` as ${one.user}` : ''}`],
    ['holds', content && `${content.goModules} Go modules, ${content.packages} packages, ${content.files} files`],
    ['compiler', content?.go],
    ['SBOM', one.sboms.join(', ')],
    ...(provenance === undefined ? [] : describeProvenance(provenance)),
  ])}`;
}

function describeProvenance(provenance: ProvenanceReading): readonly Fact[] {
  const { builderId, versions, startedOn = '', finishedOn = '', sources, materials } = provenance;
  const took = Date.parse(finishedOn) - Date.parse(startedOn);
  const names = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return [
    ['built by', [builderId, ...(names.length === 0 ? [] : [`(${names.join(', ')})`])].join(' ')],
    ['built on', `${finishedOn}${Number.isNaN(took) ? '' : `, in ${formatSpan(took)}`}`],
    ...sources.map(({ repository, ref, commit }): Fact => {
      const version = [ref, commit && `commit ${commit}`].filter(Boolean).join(', ');
      return ['built from', version === '' ? repository : `${repository} at ${version}`];
    }),
    ['materials', String(materials.length)],
  ];
}

type Fact = readonly [name: string, value: string | undefined];

/** Lines of name and value, those without a value left out. */
function facts(all: readonly Fact[]): string {
  return all
    .flatMap(([name, value]) =>
      value === undefined || value.trim() === '' ? [] : [`  ${name.padEnd(11)}${shown(value)}\n`],
    )
    .join('');
}

function toRow([about, claim]: readonly [string, ClaimSummary]): readonly string[] {
  return [claim.predicateType, about, claim.place, claim.signedBy ?? '-'].map(shown);
}

/** What strangers wrote must not steer the terminal. */
function shown(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}
