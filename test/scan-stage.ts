// SPDX-License-Identifier: Apache-2.0
// What Oakum, osv-scanner and govulncheck are given alike: the images of a release, as SBOMs and programs, and one set of advisories.
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findPredicate, layoutEvidence, PREDICATES } from '#evidence';
import { MAX_MANIFEST_BYTES, openLayout, parseIndex, readContent, unpackImage } from '#image';
import { buildZip } from '#testing';
import { writeGoDatabase } from '#vulnerabilities';

const PLATFORM = 'linux/amd64';

/** One image of the release: its SBOM and its program, as files. */
export interface StagedImage {
  readonly component: string;
  readonly sbom: string;
  readonly program: string;
}

/** All that is compared, and where each tool finds its database. */
export interface ScanStage {
  readonly revision: string;
  readonly platform: string;
  readonly images: readonly StagedImage[];
  /** For govulncheck: the Go database in its served layout. */
  readonly goDatabase: string;
  /** For osv-scanner: OSV_SCANNER_LOCAL_DB_CACHE_DIRECTORY. */
  readonly osvDatabase: string;
}

interface ReleaseDocument {
  readonly revision: string;
  readonly channels: Readonly<
    Record<
      string,
      { images: readonly { component: string; tags: readonly string[]; platforms: Record<string, Program> }[] }
    >
  >;
}
interface Program {
  readonly binary: { readonly path: string };
}

/**
 * Lays out `folder` (new) from what `oakum release` has written into `release` and the feeds in `data`. Debian's packages have no
 * advisories here, so osv-scanner gets an empty database for them.
 */
export async function stageScan(folder: string, from: { readonly release: string; readonly data: string }) {
  const document: ReleaseDocument = JSON.parse(await readFile(join(from.release, 'release.json'), 'utf8'));
  const layout = await openLayout(join(from.release, 'oci'));
  const store = layoutEvidence(layout);
  const images: StagedImage[] = [];
  for (const [channel, { images: built }] of Object.entries(document.channels)) {
    for (const { component, tags, platforms } of built) {
      const descriptor = await layout.resolve(`${channel}/${component}:${tags[0]}`);
      const bytes = await readContent(layout, descriptor, MAX_MANIFEST_BYTES);
      const request = { image: component, root: { descriptor, bytes }, store, platform: PLATFORM };
      const sbom = join(folder, `${component}.spdx.json`);
      await mkdir(folder, { recursive: true });
      await writeFile(sbom, JSON.stringify(await findPredicate({ ...request, types: [PREDICATES.spdx] })));
      const manifest = parseIndex(bytes, component).manifests.find(
        ({ platform }) => `${platform?.os}/${platform?.architecture}` === PLATFORM,
      );
      if (manifest === undefined) throw new Error(`${component} is not there for ${PLATFORM}`);
      await unpackImage(layout, manifest, join(folder, 'roots', component));
      images.push({
        component,
        sbom,
        program: join(folder, 'roots', component, platforms[PLATFORM]?.binary.path ?? ''),
      });
    }
  }
  const stage: ScanStage = {
    revision: document.revision,
    platform: PLATFORM,
    images: images.toSorted((a, b) => (a.component < b.component ? -1 : 1)),
    goDatabase: join(folder, 'vulndb'),
    osvDatabase: join(folder, 'osv'),
  };
  await writeGoDatabase(from.data, stage.goDatabase);
  await writeOsvDatabase(stage);
  return stage;
}

async function writeOsvDatabase({ goDatabase, osvDatabase }: ScanStage): Promise<void> {
  const names = (await readdir(join(goDatabase, 'ID'))).toSorted();
  const entries = await Promise.all(
    names.map(async (name) => ({ name, content: await readFile(join(goDatabase, 'ID', name)) })),
  );
  for (const [ecosystem, content] of [['Go', entries] as const, ['Debian', []] as const]) {
    await mkdir(join(osvDatabase, 'osv-scalibr', ecosystem), { recursive: true });
    await writeFile(join(osvDatabase, 'osv-scalibr', ecosystem, 'all.zip'), buildZip(content));
  }
}
