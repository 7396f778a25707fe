// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { basesBelow, channelImage, channelOfImage, DefinitionError, parseDefinition } from '#definition';

const definition = (own: string) => `version: 1
name: oakum
vendor: Oakum
registry: registry.example.com/flux
toolchain: go1.27.3
platforms: [linux/amd64]
components:
  kustomize-controller: {module: github.com/fluxcd/kustomize-controller}
  source-controller: {module: github.com/fluxcd/source-controller}
channels:
  standard:
    base: small
    components:
${own}
bases:
  small: {kind: debian, suites: [trixie], packages: [base-files]}
  full: {kind: debian, suites: [trixie], packages: [base-files, git]}
`;
const WITH_OWN = definition(`      kustomize-controller:
        base: full
        entrypoint: [/usr/bin/tini, --, kustomize-controller]
        env: {GNUPGHOME: /tmp}`);

function faultsOf(own: string): readonly string[] {
  try {
    parseDefinition(definition(own), 'd.yaml');
  } catch (error) {
    if (error instanceof DefinitionError) return error.faults.map((fault) => `${fault.where}: ${fault.message}`);
    throw error;
  }
  return [];
}

describe('a component of a channel', () => {
  const read = parseDefinition(WITH_OWN, 'd.yaml');

  it('has what is its own, and else what the channel has', () => {
    expect(channelImage(read, 'standard', 'kustomize-controller')).toEqual({
      base: 'full',
      entrypoint: ['/usr/bin/tini', '--', 'kustomize-controller'],
      env: { GNUPGHOME: '/tmp' },
    });
    expect(channelImage(read, 'standard', 'source-controller')).toEqual({
      base: 'small',
      entrypoint: ['source-controller'],
      env: {},
    });
  });

  it('names the bases that images are on, and no other', () => {
    const below = (...components: string[]) => basesBelow(read, { channels: ['standard'], components });
    expect(below('kustomize-controller')).toEqual(['full']);
    expect(below('source-controller')).toEqual(['small']);
    expect(below('kustomize-controller', 'source-controller')).toEqual(['full', 'small']);
  });

  it('is made the same from the cut that its provenance keeps', () => {
    for (const component of ['kustomize-controller', 'source-controller']) {
      const channel = channelOfImage(read, 'standard', component);
      expect(Object.keys(channel.components ?? {})).toEqual(
        component === 'kustomize-controller' ? ['kustomize-controller'] : [],
      );
      const cut = { channels: { standard: channel } };
      expect(channelImage(cut, 'standard', component)).toEqual(channelImage(read, 'standard', component));
      expect(channel.base).toBe(channelImage(read, 'standard', component).base);
    }
  });

  it('is refused with an unknown name or base, another program, or a variable that is none', () => {
    expect(faultsOf('      git-controller: {base: none, entrypoint: [sh]}')).toEqual([
      'd.yaml:14:23: channels.standard.components.git-controller: there is no component of this name',
      expect.stringContaining('components.git-controller.base: no base "none" (known: small, full)'),
      expect.stringContaining('entrypoint: must end in git-controller, the program of the component'),
    ]);
    expect(faultsOf('      source-controller: {env: {A=B: c}, entrypoint: []}')).toEqual([
      expect.stringContaining('must be the name of a variable'),
      expect.stringContaining('entrypoint'),
      expect.stringContaining('entrypoint'),
    ]);
  });
});
