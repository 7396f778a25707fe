// SPDX-License-Identifier: Apache-2.0
import { openCache } from '#cache';
import { type Digest, digestOf, hexOf, type TreeEntry } from '#core';
import {
  ATTESTATION_MANIFEST,
  buildAttestationManifest,
  layoutEvidence,
  REFERENCE_TYPE,
  type Statement,
} from '#evidence';
import {
  buildIndex,
  buildManifest,
  type Descriptor,
  type Document,
  type Layout,
  parseIndex,
  parseManifest,
  readContent,
  storeLayer,
} from '#image';

const MOST = 64 << 20;

/**
 * Takes an image of a layout with one platform; puts a second one beside it under `as`, that has another program and claims, by the
 * same SBOM and provenance, to be the same.
 */
export async function putChangedImage(
  layout: Layout,
  names: { readonly of: string; readonly as: string },
  scratch: string,
): Promise<void> {
  const read = (descriptor: Descriptor) => readContent(layout, descriptor, MOST);
  const { manifests } = parseIndex(await read(await layout.resolve(names.of)), names.of);
  const isClaims = ({ annotations }: Descriptor) => annotations?.[REFERENCE_TYPE] === ATTESTATION_MANIFEST;
  const [platform, claims] = [manifests.find((one) => !isClaims(one)), manifests.find(isClaims)];
  if (platform === undefined || claims === undefined)
    throw new Error(`${names.of} is no image of one platform with claims`);
  const manifest = parseManifest(await read(platform), names.of);
  const { layer, document } = await otherLayer(scratch);
  const config = JSON.parse((await read(manifest.config)).toString('utf8')) as { rootfs: { diff_ids: string[] } };
  config.rootfs.diff_ids.splice(-1, 1, layer.diffId);
  const newConfig = documentOf(Buffer.from(JSON.stringify(config)), manifest.config.mediaType);
  const changed = buildManifest(
    { ...manifest, config: newConfig.descriptor, layers: [...manifest.layers.slice(0, -1), document.descriptor] },
    platform.platform,
  );
  const store = layoutEvidence(layout);
  await store.put({ manifest: changed, blobs: [newConfig, document] });
  const statements = await Promise.all(
    parseManifest(await read(claims), names.of).layers.map(async (one) => {
      const statement = JSON.parse((await read(one)).toString('utf8')) as Statement;
      return {
        ...statement,
        subject: [{ name: 'changed', digest: { sha256: hexOf(changed.descriptor.digest) } }],
      };
    }),
  );
  const parcel = buildAttestationManifest(changed.descriptor, statements);
  await store.put(parcel);
  await store.put({ manifest: buildIndex([changed.descriptor, parcel.manifest.descriptor]), blobs: [] }, names.as);
}

async function otherLayer(scratch: string) {
  const epoch = new Date(0);
  const content = Buffer.from('another program');
  const program: TreeEntry = {
    kind: 'file',
    path: 'usr/local/bin/source-watcher',
    mode: 0o755,
    uid: 0,
    gid: 0,
    mtime: epoch,
    size: content.length,
    open: async function* () {
      yield content;
    },
  };
  const cache = await openCache(scratch);
  const { layer } = await storeLayer({ inputs: 'other', entries: () => [program], epoch }, cache);
  const chunks = await Array.fromAsync(cache.blobs.read(layer.digest));
  const { mediaType, digest, size } = layer as typeof layer & { mediaType: string; digest: Digest };
  return { layer, document: { descriptor: { mediaType, digest, size }, bytes: Buffer.concat(chunks) } };
}

function documentOf(bytes: Buffer, mediaType: string): Document {
  return { descriptor: { mediaType, digest: digestOf(bytes), size: bytes.length }, bytes };
}
