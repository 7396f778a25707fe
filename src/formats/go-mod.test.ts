// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import { parseGoMod, parseGoSum, replacementOf } from './go-mod.ts';
import { moduleFileFault, modulePathFault, unescapeModuleText, escapeModuleText } from './go-module-path.ts';

const GO_MOD = `// a comment
module github.com/fluxcd/source-controller // trailing

go 1.26.0
toolchain go1.27.3
godebug default=go1.21

replace github.com/fluxcd/source-controller/api => ./api
replace (
	sigs.k8s.io/kustomize/api v0.21.0 => sigs.k8s.io/kustomize/api v0.21.1
	sigs.k8s.io/kustomize/api => example.com/fork v1.0.0//close comment
)

require github.com/Masterminds/semver/v3 v3.5.0
require (
	"github.com/docker/cli" v29.5.3+incompatible // indirect; why not
	\`golang.org/x/mod\` v0.36.0
)
exclude example.com/bad v1.0.0
retract [v1.0.0, v1.0.5] // broken
retract v1.1.0
tool example.com/tool
`;

describe('the go.mod reader', () => {
  const mod = parseGoMod(GO_MOD);

  it('reads each directive alone and in blocks, quoted or not, with comments', () => {
    expect(mod).toMatchObject({ module: 'github.com/fluxcd/source-controller', go: '1.26.0', toolchain: 'go1.27.3' });
    expect(mod.require).toEqual([
      { path: 'github.com/Masterminds/semver/v3', version: 'v3.5.0', indirect: false },
      { path: 'github.com/docker/cli', version: 'v29.5.3+incompatible', indirect: true },
      { path: 'golang.org/x/mod', version: 'v0.36.0', indirect: false },
    ]);
    expect(mod.exclude).toEqual([{ path: 'example.com/bad', version: 'v1.0.0' }]);
    expect(mod.retract).toEqual([
      { low: 'v1.0.0', high: 'v1.0.5' },
      { low: 'v1.1.0', high: 'v1.1.0' },
    ]);
    expect(mod.replace[0]?.target).toEqual({ kind: 'folder', folder: './api' });
  });

  it('prefers the replacement of exactly this version', () => {
    const target = (version: string) => replacementOf(mod, { path: 'sigs.k8s.io/kustomize/api', version })?.target;
    expect(target('v0.21.0')).toEqual({
      kind: 'module',
      module: { path: 'sigs.k8s.io/kustomize/api', version: 'v0.21.1' },
    });
    expect(target('v0.20.0')).toEqual({ kind: 'module', module: { path: 'example.com/fork', version: 'v1.0.0' } });
    expect(replacementOf(mod, { path: 'golang.org/x/mod', version: 'v0.36.0' })).toBeUndefined();
  });

  it.each([
    ['no module', 'go 1.26', 1],
    ['an open block', 'module a.b/c\nrequire (\n', 3],
    ['a version missing', 'module a.b/c\nrequire a.b/d', 2],
    ['a second module', 'module a.b/c\nmodule a.b/d', 2],
    ['a replacement by nothing', 'module a.b/c\n\nreplace a.b/d =>', 3],
    ['a replacement by a module without version', 'module a.b/c\nreplace a.b/d => a.b/e', 2],
    ['an open quote', 'module a.b/c\nrequire "a.b/d v1.0.0', 2],
  ])('refuses %s, naming the line', (_, text, line) => {
    expect(() => parseGoMod(text)).toThrow(
      expect.objectContaining({ code: 'GO_MOD_INVALID', message: expect.stringContaining(`line ${line}:`) as string }),
    );
  });

  it('reads go.sum, and refuses a line of two words', () => {
    const text = 'a.b/c v1.0.0 h1:x=\na.b/c v1.0.0/go.mod h1:y=\n\n';
    expect(parseGoSum(text)).toEqual([
      { path: 'a.b/c', version: 'v1.0.0', of: 'zip', hash: 'h1:x=' },
      { path: 'a.b/c', version: 'v1.0.0', of: 'go.mod', hash: 'h1:y=' },
    ]);
    expect(() => parseGoSum('a.b/c v1.0.0\n')).toThrow('line 1');
  });
});

describe('module paths', () => {
  it('escape upper-case letters and come back', () => {
    expect(escapeModuleText('github.com/Azure/go-SDK')).toBe('github.com/!azure/go-!s!d!k');
    expect(unescapeModuleText('github.com/!azure/go-!s!d!k')).toBe('github.com/Azure/go-SDK');
    expect(unescapeModuleText('github.com/Azure')).toBeUndefined();
    expect(unescapeModuleText('github.com/!Azure')).toBeUndefined();
  });

  it.each([
    '',
    'nodot/x',
    'A.com/x',
    'a.com/../x',
    'a.com//x',
    'a.com/x/',
    '/a.com',
    'a.com/x y',
    'a.com/con',
    'a.com/.x',
    'a.com/x~1',
    'a.com/x/v1',
    'a.com/x/v0',
    '-a.com/x',
    'a.com/é',
  ])('refuse %j', (path) => {
    expect(modulePathFault(path)).toBeTypeOf('string');
  });

  it.each(['a.com', 'github.com/Azure/x/v2', 'gopkg.in/yaml.v3', 'sigs.k8s.io/json', 'a.com/x~y/v10'])(
    'allow %j',
    (path) => {
      expect(modulePathFault(path)).toBeUndefined();
    },
  );

  it('of files allow letters of all scripts but nothing that leaves the folder or that shells read', () => {
    for (const path of ['a/b.go', '.github/x', 'é/ß.txt', 'a b/[c]{d}@e!', '_go.mod'])
      expect(moduleFileFault(path), path).toBeUndefined();
    for (const path of [
      '../a',
      'a/../b',
      '/a',
      'a//b',
      'a/',
      '.',
      'a\\b',
      'a:b',
      'a\nb',
      'a\0',
      'nul.txt',
      'a*',
      'a.',
      'a"b',
      'a/…',
    ]) {
      expect(moduleFileFault(path), JSON.stringify(path)).toBeTypeOf('string');
    }
  });
});
