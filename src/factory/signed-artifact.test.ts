// SPDX-License-Identifier: Apache-2.0
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createKeySigner, EMPTY_CONFIG, formatPublicKey } from '#evidence';
import { buildManifest, createLayout, toDocument } from '#image';
import { layoutPlace, type ReleaseDocument, type ReleasePlace } from '#release';
import { signManifest } from './sign.ts';
import { readSignedArtifact, type TrustedKey } from './signed-artifact.ts';

const PATH = 'distroless/flux-manifests';
const content = toDocument(
  { apiVersion: 'v1', kind: 'List', items: [] },
  'application/vnd.cncf.flux.content.v1.tar+gzip',
);
const manifest = buildManifest({ config: EMPTY_CONFIG.descriptor, layers: [content.descriptor] });
const { digest, size, mediaType } = manifest.descriptor;
const document = {
  revision: '2.9.2-r0',
  manifests: [{ channel: 'distroless', kind: 'flux-manifests', name: PATH, tags: ['v2.9.2'], digest, size, mediaType }],
} as unknown as ReleaseDocument;

let folder: string;
let place: ReleasePlace;

function keyed() {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const signer = createKeySigner(privateKey);
  return { signer, publicKey: formatPublicKey(privateKey) };
}

function sign({ signer }: ReturnType<typeof keyed>): Promise<void> {
  const target = { store: place.store(PATH), manifest: manifest.descriptor, name: PATH, created: new Date(0) };
  return signManifest(target, { signer, cosignV2Tags: false });
}

const read = (trusted: TrustedKey | undefined, channel = 'distroless') =>
  readSignedArtifact({ document, channel, place, trusted });

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-signed-artifact-'));
  place = layoutPlace(await createLayout(join(folder, 'oci')), 'oci');
  await place.put(PATH, { manifest, blobs: [EMPTY_CONFIG, content] }, 'v2.9.2');
});
afterEach(() => rm(folder, { recursive: true }));

describe('the reader of the signed artifact', () => {
  it('gives artifact and signature byte for byte, and leaves out what other keys have signed', async () => {
    const own = keyed();
    await sign(keyed());
    await sign(own);
    const signed = await read(own);
    if (signed.kind !== 'signed') throw new Error(signed.reason);
    expect(signed.publicKey).toBe(own.publicKey);
    expect(signed.artifact.manifest.bytes).toEqual(manifest.bytes);
    expect(signed.artifact.blobs.map((one) => one.descriptor.digest)).toEqual([
      EMPTY_CONFIG.descriptor.digest,
      content.descriptor.digest,
    ]);
    const [referrer, ...others] = signed.artifact.referrers;
    expect(others).toEqual([]);
    const bundle: unknown = JSON.parse(String(referrer?.blobs.at(-1)?.bytes));
    expect(await own.signer.recognises(bundle as never)).toBe(true);
  });

  it('says why there is nothing to verify', async () => {
    const own = keyed();
    const reasonOf = async (...args: Parameters<typeof read>) => ((await read(...args)) as { reason?: string }).reason;
    expect(await reasonOf(own)).toMatch(/^it has no signature by key /);
    expect(await reasonOf(undefined)).toContain('signed by an identity');
    expect(await reasonOf(own, 'fips')).toBe('2.9.2-r0 has published no install manifests for Flux');
  });
});
