// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest';
import type { TarEntry } from '#formats';
import { lay, newLayer, readLayerEntry } from './layer-content.ts';

const temporary = () => {
  throw new Error('no program is here');
};

/** Takes paths: `x/` is a folder, `x>y` a hard link to y, `x~` a symbolic link, others files that hold their own path. */
async function layerOf(...paths: string[]) {
  const layer = newLayer();
  const common = { mode: 0o644, uid: 0, gid: 0, mtime: new Date(0) };
  for (const text of paths) {
    const [path = '', target] = text.split('>');
    const body = (async function* () {
      yield Buffer.from(`${path} of ${paths.length}`);
    })();
    const entry: TarEntry =
      target !== undefined
        ? { ...common, kind: 'hardlink', path, target }
        : path.endsWith('/')
          ? { ...common, kind: 'directory', path: path.slice(0, -1) }
          : path.endsWith('~')
            ? { ...common, kind: 'symlink', path: path.slice(0, -1), target: 'nowhere' }
            : { ...common, kind: 'file', path, size: 1, body };
    await readLayerEntry(entry, layer, { temporary });
  }
  return layer;
}

describe('layers laid over one another', () => {
  it.each<[string, string[], string[], string[]]>([
    ['keep what is below', ['a', 'd/b'], ['c'], ['a', 'd/b', 'c']],
    ['hide what a whiteout names, with all under it', ['a', 'd/b', 'd/e/c', 'dd'], ['d/', '.wh.d'], ['a', 'dd']],
    [
      'hide the content of an opaque folder, but not what lies in it anew',
      ['d/b', 'd/e/c', 'a'],
      ['d/', 'd/.wh..wh..opq', 'd/e/n'],
      ['a', 'd/e/n'],
    ],
    ['hide everything below an opaque root', ['a', 'd/b'], ['.wh..wh..opq', 'n'], ['n']],
    ['put a file in the place of a folder', ['d/b', 'a'], ['d'], ['a', 'd']],
    ['put a folder in the place of a file', ['d', 'a'], ['d/', 'd/n'], ['a', 'd/n']],
    ['put a link in the place of a file', ['a', 'b'], ['a~'], ['b']],
    ['know a hard link as the file that it names', ['a'], ['n', 'm>n'], ['a', 'm', 'n']],
    ['keep what a whiteout of the same layer names', ['a'], ['n', '.wh.n', '.wh.a'], ['n']],
  ])('%s', async (_, below, above, result) => {
    const image = lay(await layerOf(...above), await layerOf(...below));
    expect([...image.files.keys()].sort()).toEqual([...result].sort());
  });

  it('read the upper file where both have one', async () => {
    const upper = await layerOf('a', 'b');
    const image = lay(upper, await layerOf('a'));
    expect(image.files.get('a')).toEqual(upper.files.get('a'));
  });

  it('forget the texts of what is hidden', async () => {
    const below = await layerOf('var/lib/dpkg/status.d/tzdata', 'var/lib/dpkg/status.d/netbase');
    expect(below.texts.size).toBe(2);
    const image = lay(await layerOf('var/lib/dpkg/status.d/.wh.tzdata'), below);
    expect([...image.texts.keys()]).toEqual(['var/lib/dpkg/status.d/netbase']);
  });

  it('know where a link hides a list of packages, until something takes its place', async () => {
    const below = await layerOf('var/lib/dpkg/status', 'lib/apk/db/installed');
    const hiding = lay(await layerOf('var/lib/dpkg~', 'lib/apk/db/installed~'), below);
    expect(hiding.texts.size).toBe(0);
    expect([...hiding.links]).toEqual([
      ['var/lib/dpkg', 'nowhere'],
      ['lib/apk/db/installed', 'nowhere'],
    ]);
    const shown = lay(await layerOf('var/lib/dpkg/', 'var/lib/dpkg/status', 'lib/apk/db/.wh.installed'), hiding);
    expect([...shown.links]).toEqual([]);
    expect([...shown.texts.keys()]).toEqual(['var/lib/dpkg/status']);
  });

  it('refuse lists that would not fit in memory together', async () => {
    const layer = newLayer();
    const list = (path: string): TarEntry => ({
      mode: 0o644,
      uid: 0,
      gid: 0,
      mtime: new Date(0),
      kind: 'file',
      path,
      size: 40 << 20,
      body: (async function* () {
        yield Buffer.alloc(40 << 20, 'x');
      })(),
    });
    await readLayerEntry(list('var/lib/dpkg/status.d/a'), layer, { temporary });
    await expect(readLayerEntry(list('var/lib/dpkg/status.d/b'), layer, { temporary })).rejects.toMatchObject({
      code: 'SBOM_CONTENT_INVALID',
    });
  });
});
