// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { composeAlpine, openAlpine } from '#bases';
import { openCache } from '#cache';
import { createHttp, systemClock } from '#core';
import { type AlpineBaseDefinition, channelImage, readDefinition } from '#definition';

const MIRROR = process.env['OAKUM_ALPINE_MIRROR'];
const FILE = resolve(import.meta.dirname, '../definitions/standard.yaml');
const { definition } = await readDefinition(FILE);
const bases = Object.entries(definition.bases).flatMap(([name, base]) =>
  base.kind === 'alpine' ? [[name, base] as const] : [],
);

const area = await mkdtemp(join(tmpdir(), 'oakum-standard-'));
afterAll(() => rm(area, { recursive: true }));

describe('the definition of the standard channel', () => {
  it("is the default one's, with Alpine below and what kustomize-controller needs", async () => {
    const shipped = (await readDefinition(resolve(import.meta.dirname, '../distribution.yaml'))).definition;
    const { channels: _, bases: __, ...rest } = definition;
    const { channels: ___, bases: ____, ...usual } = shipped;
    expect(rest).toEqual(usual);
    expect(channelImage(definition, 'standard', 'kustomize-controller')).toEqual({
      base: 'alpine-tools',
      entrypoint: ['/sbin/tini', '--', 'kustomize-controller'],
      env: { GNUPGHOME: '/tmp' },
    });
    const { packages } = definition.bases['alpine-tools'] as AlpineBaseDefinition;
    expect(packages).toEqual(expect.arrayContaining(['git', 'gnupg', 'openssh-client', 'tini', 'ca-certificates']));
    expect(channelImage(definition, 'standard', 'source-controller')).toMatchObject({ base: 'alpine', env: {} });
  });
});

describe('the definition of the standard channel on Debian', () => {
  it("is the default one's, with programs below kustomize-controller", async () => {
    const [ours, usual] = await Promise.all(
      ['../definitions/standard-debian.yaml', '../distribution.yaml'].map(
        async (path) => (await readDefinition(resolve(import.meta.dirname, path))).definition,
      ),
    );
    expect({ ...ours, channels: usual?.channels, bases: usual?.bases }).toEqual(usual);
    expect(ours?.bases['debian-13']).toEqual(usual?.bases['debian-13']);
    expect(ours?.bases['debian-13-tools']).toMatchObject({
      programs: true,
      packages: expect.arrayContaining(['git', 'gpg', 'openssh-client', 'tini', 'ca-certificates']),
    });
  });
});

describe('the roots of the standard channel, from the mirror of Alpine that OAKUM_ALPINE_MIRROR names', () => {
  it.skipIf(MIRROR === undefined).each(bases)(
    '%s has its programs, a database that is whole, and no conflicts (skipped without OAKUM_ALPINE_MIRROR)',
    async (_, base) => {
      const clock = systemClock();
      const cache = await openCache(join(area, 'cache'));
      const mirrors = [base.mirror ?? MIRROR ?? ''];
      const alpine = openAlpine({
        http: createHttp({ clock }),
        cache,
        stateFolder: join(area, 'state'),
        clock,
        mirrors,
      });
      const { packages, indexes } = await alpine.resolve(base, 'amd64');
      const { branch } = base;
      const repositories = indexes.map(({ repository }) => repository);
      const root = await composeAlpine(
        { branch, architecture: 'x86_64', repositories, world: base.packages, packages },
        { cache, open: (one) => alpine.open(one) },
      );
      const paths = new Set(root.entries.map(({ path }) => path));
      const wanted = ['bin/sh', 'etc/os-release', 'etc/ssl/certs/ca-certificates.crt'];
      const tools = base.packages.includes('git') ? ['usr/bin/git', 'usr/bin/gpg', 'usr/bin/ssh', 'sbin/tini'] : [];
      expect([...wanted, ...tools].filter((path) => !paths.has(path))).toEqual([]);
      expect(root.packages.map(({ name }) => name)).toEqual(packages.map(({ name }) => name));
    },
    600_000,
  );
});
