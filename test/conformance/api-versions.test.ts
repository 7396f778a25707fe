// SPDX-License-Identifier: Apache-2.0
// The API versions of real controllers, from their proved sources, as upstream's install manifests have them. Skipped without Go.
import { execFileSync } from 'node:child_process';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openCache, removeTree } from '#cache';
import { type ApiKind, compareApis, mergeKinds, readCrds, recordedKinds } from '#compatibility';
import { createHttp, systemClock } from '#core';
import { openSources, parseChecksumDatabase, parseGoProxies, type Sources } from '#sources';

/** What Flux 2.9 serves, computed from the manifests that the Flux Operator installs: `*` is stored. */
const FLUX_2_9: Readonly<Record<string, string>> = {
  'Alert notification.toolkit.fluxcd.io': 'v1beta3*',
  'ArtifactGenerator source.extensions.fluxcd.io': 'v1beta1*',
  'Bucket source.toolkit.fluxcd.io': 'v1*',
  'ExternalArtifact source.toolkit.fluxcd.io': 'v1*',
  'GitRepository source.toolkit.fluxcd.io': 'v1*',
  'HelmChart source.toolkit.fluxcd.io': 'v1*',
  'HelmRelease helm.toolkit.fluxcd.io': 'v2*',
  'HelmRepository source.toolkit.fluxcd.io': 'v1*',
  'ImagePolicy image.toolkit.fluxcd.io': 'v1*',
  'ImageRepository image.toolkit.fluxcd.io': 'v1*',
  'ImageUpdateAutomation image.toolkit.fluxcd.io': 'v1*',
  'Kustomization kustomize.toolkit.fluxcd.io': 'v1*',
  'OCIRepository source.toolkit.fluxcd.io': 'v1*',
  'Provider notification.toolkit.fluxcd.io': 'v1beta3*',
  'Receiver notification.toolkit.fluxcd.io': 'v1*',
};

/** What 2.8 served that 2.9 does not. */
const REMOVED_IN_2_9 = ['Alert', 'ImagePolicy', 'ImageRepository', 'ImageUpdateAutomation', 'Provider', 'Receiver'];

const COMPONENTS = [
  ['github.com/fluxcd/source-controller', 'v1.9.3'],
  ['github.com/fluxcd/kustomize-controller', 'v1.9.3'],
  ['github.com/fluxcd/helm-controller', 'v1.6.2'],
  ['github.com/fluxcd/notification-controller', 'v1.9.2'],
  ['github.com/fluxcd/image-reflector-controller', 'v1.2.3'],
  ['github.com/fluxcd/image-automation-controller', 'v1.2.3'],
  ['github.com/fluxcd/source-watcher/v2', 'v2.2.2'],
] as const;

/** Of earlier lines, what the proxy still serves. */
const EARLIER = [
  ['2.7', 'github.com/fluxcd/kustomize-controller', 'v1.7.3', ['Kustomization']],
  [
    '2.8',
    'github.com/fluxcd/source-controller',
    'v1.8.5',
    ['Bucket', 'ExternalArtifact', 'GitRepository', 'HelmChart', 'HelmRepository', 'OCIRepository'],
  ],
] as const;

const settings = goSettings();

function goSettings(): readonly [proxies: string, database: string] | undefined {
  try {
    const [proxies = '', database = ''] = execFileSync('go', ['env', 'GOPROXY', 'GOSUMDB'], { encoding: 'utf8' }).split(
      '\n',
    );
    return [proxies, database];
  } catch {
    return undefined;
  }
}

function shown(kinds: readonly ApiKind[]): Readonly<Record<string, string>> {
  const text = ({ versions }: ApiKind) =>
    versions.map(({ name, storage, deprecated }) => `${name}${storage ? '*' : ''}${deprecated ? '-' : ''}`).join(' ');
  return Object.fromEntries(kinds.map((kind) => [`${kind.kind} ${kind.group}`, text(kind)]));
}

describe.skipIf(settings === undefined)('the API versions', () => {
  let root: string;
  let sources: Sources;
  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'oakum-api-versions-'));
    sources = openSources({
      http: createHttp({ clock: systemClock() }),
      cache: await openCache(join(root, 'cache')),
      stateFolder: join(root, 'state'),
      proxies: parseGoProxies(settings?.[0] ?? ''),
      checksumDatabase: parseChecksumDatabase(settings?.[1] ?? ''),
      exemptions: [],
      report: () => {},
    });
  });
  afterAll(() => removeTree(root));

  const kindsOf = async (path: string, version: string) =>
    readCrds((await sources.module(await sources.prove({ path, version }))).path);

  it('of Flux 2.9.2 are those of its real controllers, and six kinds lost their last beta since 2.8', async () => {
    const kinds = mergeKinds(await Promise.all(COMPONENTS.map(([path, version]) => kindsOf(path, version))));
    expect(shown(kinds)).toEqual(FLUX_2_9);
    const before = recordedKinds('2.8') ?? [];
    expect(before.map(({ kind, plural }) => [kind, plural])).toEqual(kinds.map(({ kind, plural }) => [kind, plural]));
    const changes = compareApis(before, kinds);
    expect(changes.removed.map(({ kind, version }) => `${kind} ${version}`)).toEqual(
      REMOVED_IN_2_9.map((kind) => `${kind} v1beta2`),
    );
    expect(changes).toMatchObject({ added: [], gone: [], promoted: [], deprecated: [] });
  });

  it.each(EARLIER)('of %s are recorded as %s %s has them', async (line, path, version, names) => {
    const kinds = mergeKinds([await kindsOf(path, version)]);
    expect(kinds.map(({ kind }) => kind)).toEqual(names);
    const recorded = (recordedKinds(line) ?? []).filter(({ kind }) => kinds.some((one) => one.kind === kind));
    expect(shown(recorded)).toEqual(shown(kinds));
  });
});
