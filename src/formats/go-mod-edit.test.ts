// SPDX-License-Identifier: Apache-2.0
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { editGoMod, mergeGoSum } from './go-mod-edit.ts';
import { parseGoMod } from './go-mod.ts';

const TEXT = `module a.test/main

go 1.26.0

// why it is pinned
replace b.test/b => b.test/b v1.0.0

require (
\tb.test/b v1.0.0
\tc.test/c v1.0.0 // keep: the comment
)

require d.test/d v0.1.0

require (
\te.test/e v1.0.0 // indirect
\tg.test/g v1.0.0 // indirect
)
`;

const direct = (path: string, version: string) => ({ path, version, indirect: false });
const indirect = (path: string, version: string) => ({ path, version, indirect: true });

describe('the go.mod editor', () => {
  it('changes versions, and leaves every other character', () => {
    const require = [direct('c.test/c', 'v1.2.0'), direct('d.test/d', 'v0.2.0'), indirect('e.test/e', 'v1.1.0')];
    expect(editGoMod(TEXT, { require })).toBe(
      TEXT.replace('c.test/c v1.0.0', 'c.test/c v1.2.0')
        .replace('d.test/d v0.1.0', 'd.test/d v0.2.0')
        .replace('e.test/e v1.0.0', 'e.test/e v1.1.0'),
    );
  });

  it('does not touch a replacement of the same path and version', () => {
    const edited = editGoMod(TEXT, { require: [direct('b.test/b', 'v1.3.0')] });
    expect(edited).toContain('replace b.test/b => b.test/b v1.0.0');
    expect(edited).toContain('\tb.test/b v1.3.0');
  });

  it('puts a new module into the block of its kind, in order', () => {
    const edited = editGoMod(TEXT, { require: [indirect('f.test/f', 'v0.1.0'), direct('z.test/z', 'v0.3.0')] });
    expect(edited).toContain('\te.test/e v1.0.0 // indirect\n\tf.test/f v0.1.0 // indirect\n\tg.test/g');
    expect(edited).toContain('// keep: the comment\n\tz.test/z v0.3.0\n)');
  });

  it('makes a block where there is none', () => {
    const edited = editGoMod('module a.test/main\n\ngo 1.26\n', { require: [indirect('b.test/b', 'v1.0.0')] });
    expect(edited).toBe('module a.test/main\n\ngo 1.26\n\nrequire (\n\tb.test/b v1.0.0 // indirect\n)\n');
  });

  it('raises the go line alone', () => {
    expect(editGoMod(TEXT, { require: [], go: '1.27.0' })).toBe(TEXT.replace('go 1.26.0', 'go 1.27.0'));
  });

  it('changes each line of a module that is named twice', () => {
    const twice = TEXT.replace('d.test/d v0.1.0', 'c.test/c v1.1.0');
    const edited = editGoMod(twice, { require: [direct('c.test/c', 'v1.2.0')] });
    expect(edited.match(/c\.test\/c v1\.2\.0/g)).toHaveLength(2);
  });

  it('refuses a line that it would leave as it is', () => {
    const quoted = TEXT.replace('c.test/c', '"c.test/c"');
    expect(() => editGoMod(quoted, { require: [direct('c.test/c', 'v1.2.0')] })).toThrow(
      'c.test/c is written in a way',
    );
  });

  it('says afterwards exactly what was asked, whatever is asked', () => {
    const path = fc.constantFrom('b.test/b', 'c.test/c', 'e.test/e', 'f.test/f', 'h.test/h/v2');
    const edit = fc.record({ path, version: fc.constantFrom('v1.0.1', 'v2.0.0-rc.1'), indirect: fc.boolean() });
    fc.assert(
      fc.property(fc.uniqueArray(edit, { selector: (one) => one.path }), (require) => {
        const after = new Map(parseGoMod(editGoMod(TEXT, { require })).require.map((one) => [one.path, one.version]));
        for (const one of require) expect(after.get(one.path)).toBe(one.version);
        const others = parseGoMod(TEXT).require.filter((one) => !require.some((other) => other.path === one.path));
        for (const one of others) expect(after.get(one.path)).toBe(one.version);
      }),
    );
  });
});

describe('the go.sum merger', () => {
  it('adds lines sorted, each once', () => {
    const merged = mergeGoSum('b v1 h1:x=\nb v1/go.mod h1:y=\n', ['a v1/go.mod h1:z=', 'b v1 h1:x=']);
    expect(merged).toBe('a v1/go.mod h1:z=\nb v1 h1:x=\nb v1/go.mod h1:y=\n');
  });

  it('takes replacements and requirements away, those in a block and those alone, and leaves the others', () => {
    const text = [
      'module example.com/m',
      'require (',
      '\texample.com/a v0.0.0',
      '\texample.com/b v0.0.0',
      '\texample.com/c v1.0.0',
      ')',
      'replace example.com/a => ./staging/a // laid beside it',
      'replace (',
      '\texample.com/b => ./staging/b',
      '\texample.com/c => example.com/fork v1.0.1',
      ')',
      '',
    ].join('\n');
    const require = ['a', 'b'].map((name) => ({ path: `example.com/${name}`, version: 'v0.36.3', indirect: false }));
    const edited = parseGoMod(editGoMod(text, { require, dropReplace: require.map(({ path }) => path) }));
    expect(edited.replace).toEqual(parseGoMod(text).replace.slice(2));
    expect(edited.require.map(({ version }) => version)).toEqual(['v0.36.3', 'v0.36.3', 'v1.0.0']);
    const without = parseGoMod(editGoMod(text, { require: [], dropRequire: ['example.com/b'] }));
    expect(without.require.map(({ path }) => path)).toEqual(['example.com/a', 'example.com/c']);
    expect(without.replace).toEqual(parseGoMod(text).replace);
    const quoted = text.replace('\texample.com/b =>', '\t"example.com/b" =>');
    expect(() => editGoMod(quoted, { require, dropReplace: ['example.com/b'] })).toThrow(
      expect.objectContaining({ code: 'GO_MOD_INVALID' }),
    );
  });
});
