// SPDX-License-Identifier: Apache-2.0
// `oakum verify release` on a real registry and a layout, each piece of a release tampered with in turn.
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createHttp, systemClock } from '#core';
import { createKeySigner, formatPublicKey, loadTrust, type Policy, toFlagPolicy } from '#evidence';
import { createLayout, openRegistry } from '#image';
import {
  digestOfRelease,
  layoutPlace,
  registryPlace,
  type ReleasePlace,
  RELEASES,
  type ReleaseReport,
  verifyRelease,
} from '#release';
import { judge } from './judges.ts';
import { runCli } from './outside.ts';
import { type RealRegistry, startGoRegistry } from './registries.ts';
import { publishStagedRelease, type StagedRelease, type StagedReleaseChoice } from './release-stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'oakum-verify-release-'));
const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signer = createKeySigner(privateKey);
const stranger = createKeySigner(generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey);
writeFileSync(join(folder, 'oakum.pub'), formatPublicKey(publicKey));

let registry: RealRegistry;
let policy: Policy;
beforeAll(async () => {
  registry = await startGoRegistry();
  policy = await toFlagPolicy({ keys: ['oakum.pub'] }, async () => formatPublicKey(publicKey));
});
afterAll(async () => {
  await registry.stop();
  rmSync(folder, { recursive: true });
});

const clock = systemClock();
/** A client of its own for each use: what one has seen it does not ask for again. */
const client = () =>
  openRegistry({ http: createHttp({ clock }), clock, plainHttp: 'loopback', credentials: async () => undefined });

let count = 0;
/** A path in the registry that nothing is below yet. */
const newPath = () => `${registry.host}/flux${(count += 1)}`;
const placeAt = (path: string) => registryPlace(client(), path);

type Choice = Partial<StagedReleaseChoice>;

/** Publishes 2.9.2-r0 and r1 after it, the second as chosen. */
async function publishTwo(path: string, choice: Choice = {}): Promise<{ first: StagedRelease; second: StagedRelease }> {
  const place = placeAt(path);
  const first = await publishStagedRelease({ revision: '2.9.2-r0', place, signer });
  const second = await publishStagedRelease({
    revision: '2.9.2-r1',
    place,
    signer,
    predecessor: first.document,
    ...choice,
  });
  return { first, second };
}

async function verify(
  place: ReleasePlace,
  tag = '2.9.2',
  pins: readonly { file: string; text: string }[] = [],
): Promise<ReleaseReport> {
  return verifyRelease({
    name: place.name(RELEASES, tag),
    tag,
    root: async () => {
      const found = await place.resolve(RELEASES, tag);
      if (found === undefined) throw new Error('no such tag');
      return place.read(RELEASES, found.digest);
    },
    place,
    pins,
    policy,
    trust: await loadTrust(policy, async () => ({})),
    now: clock.now(),
    temporary: () => join(folder, 'temporary'),
  });
}

/** Gives what failed as `piece: reason`. */
function faultsOf({ pieces }: ReleaseReport): readonly string[] {
  return pieces.flatMap(({ name, checks }) =>
    checks.filter(({ outcome }) => outcome !== 'passed').map(({ outcome, reason }) => `${outcome} ${name}: ${reason}`),
  );
}

/** Takes a manifest out of the registry, as one that lost it would have it. */
async function lose(path: string, repository: string, digest: string): Promise<void> {
  const [host = '', ...rest] = path.split('/');
  const response = await fetch(`http://${host}/v2/${[...rest, repository].join('/')}/manifests/${digest}`, {
    method: 'DELETE',
  });
  expect(response.status).toBeLessThan(300);
}

describe('verify release', () => {
  it('trusts a whole release with everything behind it, back to the first', async () => {
    const path = newPath();
    const { second } = await publishTwo(path);
    const pins = [{ file: 'pins.yaml', text: second.pins }];
    const report = await verify(placeAt(path), '2.9', pins);
    expect(faultsOf(report)).toEqual([]);
    expect(report).toMatchObject({ verdict: 'trusted', revision: '2.9.2-r1', digest: second.root.digest });
    expect(report.pieces.map(({ kind }) => kind)).toEqual([
      'document',
      'image',
      'image',
      'manifests',
      'predecessor',
      'pins',
    ]);
  });

  it('trusts the same in a layout', async () => {
    const layout = await createLayout(join(folder, 'oci'));
    const place = layoutPlace(layout, 'oci');
    const first = await publishStagedRelease({ revision: '2.9.2-r0', place, signer });
    await publishStagedRelease({ revision: '2.9.2-r1', place, signer, predecessor: first.document });
    expect(faultsOf(await verify(place))).toEqual([]);
    const cli = await runCli(['verify', 'release', 'oci:oci:releases:2.9.2-r1', '--key', 'oakum.pub'], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: folder },
    });
    expect(cli).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/releases:2\.9\.2-r1 \(2\.9\.2-r1\): trusted\n$/),
    });
  });

  it('names the image that a registry lost, by name and digest', async () => {
    const path = newPath();
    const { second } = await publishTwo(path);
    const digest = second.images.get('beta')?.index.digest ?? '';
    await lose(path, 'distroless/beta', digest);
    const [fault, ...others] = faultsOf(await verify(placeAt(path)));
    expect(others).toEqual([]);
    expect(fault).toMatch(new RegExp(`failed ${path}/distroless/beta:v1\\.9\\.2-r1: ${digest} is not there`));
    const cli = await runCli(['verify', 'release', `${path}/releases:2.9.2`, '--key', 'oakum.pub'], {
      cwd: folder,
      env: { PATH: process.env['PATH'] ?? '', HOME: folder },
    });
    expect(cli.exitCode).toBe(1);
    expect(cli.stdout).toContain(digest);
    expect(cli.stdout).toMatch(/^image +\S+\/distroless\/beta:v1\.9\.2-r1 +0 of 1 +NOT TRUSTED$/m);
    expect(cli.stdout).toMatch(/^image +\S+\/distroless\/alpha:v1\.9\.2-r1 +\d+ of \d+ +trusted$/m);
  });

  it('names the platform whose manifest is lost', async () => {
    const path = newPath();
    const { second } = await publishTwo(path);
    await lose(path, 'distroless/alpha', second.images.get('alpha')?.platforms[1]?.manifest.descriptor.digest ?? '');
    const faults = faultsOf(await verify(placeAt(path)));
    expect(faults.length).toBeGreaterThan(0);
    for (const fault of faults) expect(fault).toMatch(/distroless\/alpha/);
  });

  it('names the piece of evidence that is gone', async () => {
    const path = newPath();
    const { second } = await publishTwo(path);
    const sbom = second.document.publication?.evidence.find(
      ({ image, subject, predicateType }) =>
        image === 'distroless/alpha' && subject === 'linux/arm64' && predicateType === 'https://spdx.dev/Document',
    );
    await lose(path, 'distroless/alpha', sbom?.digest ?? '');
    const faults = faultsOf(await verify(placeAt(path)));
    expect(faults).toEqual([expect.stringContaining(`https://spdx.dev/Document in ${sbom?.digest}`)]);
  });

  it('refuses a tag that was moved back to an older document', async () => {
    const path = newPath();
    const { first } = await publishTwo(path);
    const place = placeAt(path);
    const root = await place.read(RELEASES, first.root.digest);
    await place.put(RELEASES, { manifest: root, blobs: [] }, '2.9.2-r1');
    expect(faultsOf(await verify(place, '2.9.2-r1'))).toEqual([
      expect.stringContaining('the tag 2.9.2-r1 names the document of 2.9.2-r0'),
    ]);
  });

  it('names both digests where a predecessor is another document', async () => {
    const path = newPath();
    const { first } = await publishTwo(path);
    const place = placeAt(path);
    const other = await publishStagedRelease({
      revision: '2.9.2-r0',
      place: placeAt(path),
      signer,
      change: (one) => (one.lock = one.definition),
    });
    const fault = faultsOf(await verify(place, '2.9.2-r1')).join();
    expect(fault).toContain(digestOfRelease(first.document));
    expect(fault).toContain(digestOfRelease(other.document));
  });

  it('says so where a predecessor is gone, or is signed by somebody else', async () => {
    const path = newPath();
    const { first } = await publishTwo(path);
    await lose(path, RELEASES, first.root.digest);
    expect(faultsOf(await verify(placeAt(path)))).toEqual([
      expect.stringMatching(/^failed \S+\/releases:2\.9\.2-r0: .*(?:not there|unknown|lost)/i),
    ]);
    const other = newPath();
    const place = placeAt(other);
    const before = await publishStagedRelease({ revision: '2.9.2-r0', place, signer, documentSigner: stranger });
    await publishStagedRelease({ revision: '2.9.2-r1', place, signer, predecessor: before.document });
    expect(faultsOf(await verify(place)).join()).toMatch(/releases:2\.9\.2-r0: .*not by this key/);
  });

  it.each<[string, Choice, RegExp]>([
    ['is not signed', { documentSigner: undefined }, /there is no signature/],
    ['is signed by somebody else', { documentSigner: stranger }, /not by this key/],
  ])('looks at nothing else where the document %s', async (_, choice, reason) => {
    const path = newPath();
    await publishTwo(path, choice);
    const report = await verify(placeAt(path));
    expect(report).toMatchObject({ verdict: 'not-trusted', revision: undefined });
    expect(report.pieces).toHaveLength(1);
    expect(faultsOf(report).join()).toMatch(reason);
  });

  it.each<[string, Choice, RegExp]>([
    [
      'names another image index',
      { change: (one) => Object.assign(one.channels['distroless']?.images[0] ?? {}, { digest: one.lock }) },
      /distroless\/alpha\S*: sha256:\w+ is not there/,
    ],
    [
      'names another layer',
      {
        change: (one) => {
          const [layer] = one.channels['distroless']?.images[0]?.platforms['linux/amd64']?.layers ?? [];
          if (layer !== undefined) layer.digest = one.lock;
        },
      },
      /its layers are sha256:\w+, in the document sha256/,
    ],
    [
      'leaves out a platform',
      {
        change: (one) => {
          delete one.channels['distroless']?.images[1]?.platforms['linux/arm64'];
          if (one.publication !== undefined)
            one.publication.evidence = one.publication.evidence.filter(({ subject }) => subject !== 'linux/arm64');
        },
      },
      /the index holds sha256:\w+ for linux\/arm64, the document does not/,
    ],
    [
      'contradicts itself',
      { change: (one) => Object.assign(one.channels['distroless']?.images[0]?.source ?? {}, { version: 'v1.0.0' }) },
      /the image is v1\.9\.2, its source v1\.0\.0/,
    ],
    [
      'has manifests that run another image',
      { install: (text) => text.replace(/sha256:\w{4}/, 'sha256:0000') },
      /it runs \S+, which is no image/,
    ],
    [
      'has manifests that lack one',
      { install: (text) => text.split('\n').slice(1).join('\n') },
      /it does not run alpha@sha256/,
    ],
    [
      'names manifests that are not there',
      { change: (one) => Object.assign(one.manifests?.[0] ?? {}, { digest: one.lock }) },
      /flux-manifests/,
    ],
    [
      'says another size of manifests',
      { change: (one) => Object.assign(one.manifests?.[0] ?? {}, { size: 1 }) },
      /in the document 1/,
    ],
  ])('finds out where the signed document %s', async (_, choice, reason) => {
    const path = newPath();
    await publishTwo(path, choice);
    const report = await verify(placeAt(path));
    expect(report.verdict).toBe('not-trusted');
    expect(faultsOf(report).join('\n')).toMatch(reason);
  });

  it('compares pins that were edited by hand, with file and line', async () => {
    const path = newPath();
    const { second } = await publishTwo(path);
    const lines = second.pins.split('\n');
    const text = lines
      .map((line, index) => (index === 3 ? line.replace(/sha256:\w{4}/, 'sha256:0000') : line))
      .join('\n');
    writeFileSync(join(folder, 'pins.yaml'), text);
    const { exitCode, stdout } = await runCli(
      ['verify', 'release', `${path}/releases:2.9.2`, '--key', 'oakum.pub', '--pins', 'pins.yaml'],
      { cwd: folder, env: { PATH: process.env['PATH'] ?? '', HOME: folder } },
    );
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/pins\.yaml:4:13: alpha is sha256:\w+ in the release document, not sha256:0000/);
  });

  it('can say nothing of a registry that does not answer, or a tag that is not there', async () => {
    const env = { PATH: process.env['PATH'] ?? '', HOME: folder };
    const run = (name: string) => runCli(['verify', 'release', name, '--key', 'oakum.pub'], { cwd: folder, env });
    expect(await run(`${newPath()}/releases:2.9.2`)).toMatchObject({
      exitCode: 8,
      stdout: expect.stringContaining('could not be checked'),
    });
    expect(await run(`${registry.host}/flux/distroless/alpha:v1`)).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('REGISTRY/releases:2.9.2'),
    });
  });

  it('has a document that cosign verifies, in its own repository', async () => {
    const path = newPath();
    const { second } = await publishTwo(path);
    const cosign = await judge('cosign');
    const args = ['verify', '--key', join(folder, 'oakum.pub'), '--insecure-ignore-tlog', '--allow-http-registry'];
    const { stdout } = await promisify(execFile)(cosign, [...args, `${path}/releases:2.9.2-r1`]);
    expect(stdout).toContain(second.root.digest);
  });
});
