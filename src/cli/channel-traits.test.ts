// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseDefinition } from '#definition';
import { channelTraits } from './channel-traits.ts';

const definition = (base: string) =>
  parseDefinition(
    `version: 1
name: oakum
vendor: Oakum
registry: registry.example.com/flux
toolchain: go1.27.3
platforms: [linux/amd64]
components:
  kustomize-controller: {module: github.com/fluxcd/kustomize-controller}
channels:
  mine: {base: under}
bases:
  under: {${base}}
`,
    'd.yaml',
  );
const traitsOver = (base: string) => {
  const { git, gpg } = channelTraits(definition(base), 'mine');
  return { git, gpg };
};

describe('what a channel has', () => {
  it('is what the packages of Debian bring, where programs are wanted', () => {
    const packages = 'kind: debian, suites: [trixie], packages: [base-files, git, gpg]';
    expect(traitsOver(`${packages}, programs: true`)).toEqual({ git: true, gpg: true });
    expect(traitsOver(packages)).toEqual({ git: false, gpg: false });
  });

  it('is what the words of Alpine name, in whatever version, and not what they exclude', () => {
    const words = (list: string) => `kind: alpine, branch: v3.24, packages: [${list}]`;
    expect(traitsOver(words("alpine-baselayout, 'git=2.49.1-r0', gnupg"))).toEqual({ git: true, gpg: true });
    expect(traitsOver(words("'git~2.49', '!gnupg'"))).toEqual({ git: true, gpg: false });
    expect(traitsOver(words("'git-daemon>=2'"))).toEqual({ git: false, gpg: false });
  });

  it('is nothing of an image, whose packages are not listed', () => {
    expect(traitsOver('kind: image, image: registry.example.com/golden/alpine:3.22')).toEqual({
      git: false,
      gpg: false,
    });
  });

  it('is what a well-known name means where the definition has no such channel', () => {
    const known = definition('kind: debian, suites: [trixie], packages: [base-files]');
    expect(channelTraits(known, 'fips')).toEqual({ name: 'fips', crypto: 'fips140', git: false, gpg: false });
  });

  it('refuses a name that nobody knows, and says which there are', () => {
    const known = definition('kind: debian, suites: [trixie], packages: [base-files]');
    expect(() => channelTraits(known, 'none')).toThrow(
      expect.objectContaining({ code: 'CHANNEL_UNKNOWN', hint: expect.stringContaining('mine, fips') }) as Error,
    );
  });
});
