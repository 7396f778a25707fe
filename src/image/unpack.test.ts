// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { lstat, mkdtemp, readdir, readFile, readlink, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Digest, digestOf } from '#core';
import { buildConfig } from './config.ts';
import type { ContentSource, Descriptor } from './content.ts';
import { ImageError } from './error.ts';
import { buildManifest } from './manifest.ts';
import { MEDIA_TYPES } from './media-types.ts';
import { unpackImage } from './unpack.ts';

let area = '';
beforeAll(async () => {
  area = await mkdtemp(join(tmpdir(), 'oakum-unpack-'));
});
afterAll(() => {
  spawnSync('chmod', ['-R', 'u+rwx', area]);
  return rm(area, { recursive: true });
});

type Entry = {
  readonly name: string;
  readonly type?: 'file' | 'directory' | 'symlink' | 'link' | 'fifo' | 'character-device';
  readonly text?: string;
  readonly linkname?: string;
  readonly mode?: number;
};

/** A layer as an attacker would write it: no rule is kept here. */
async function tar(entries: readonly Entry[]): Promise<Buffer> {
  const archive = pack();
  for (const { text = '', ...header } of entries) archive.entry({ mtime: new Date(1e12), ...header }, text);
  archive.finalize();
  const chunks: Buffer[] = [];
  for await (const chunk of archive) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

interface Image {
  readonly source: ContentSource;
  readonly manifest: Descriptor;
  readonly blobs: Map<Digest, Buffer>;
}

async function image(...layers: readonly (readonly Entry[])[]): Promise<Image> {
  const blobs = new Map<Digest, Buffer>();
  const keep = (bytes: Buffer) => blobs.set(digestOf(bytes), bytes);
  const tars = await Promise.all(layers.map(tar));
  const packed = tars.map((bytes) => gzipSync(bytes));
  packed.forEach(keep);
  const created = new Date(0);
  const config = buildConfig({
    platform: { architecture: 'amd64', os: 'linux' },
    created,
    run: { user: '0:0', entrypoint: ['/x'] },
    layers: tars.map((bytes) => ({ diffId: digestOf(bytes), created, createdBy: 'test' })),
  });
  const manifest = buildManifest({
    config: config.descriptor,
    layers: packed.map((bytes) => ({ mediaType: MEDIA_TYPES.layerGzip, digest: digestOf(bytes), size: bytes.length })),
  });
  keep(config.bytes);
  keep(manifest.bytes);
  return { source: sourceOf(blobs), manifest: manifest.descriptor, blobs };
}

function sourceOf(blobs: ReadonlyMap<Digest, Buffer>): ContentSource {
  return {
    async *open(descriptor) {
      const bytes = blobs.get(descriptor.digest);
      if (bytes === undefined) throw new ImageError('BLOB_MISSING', 'not here');
      yield bytes;
    },
  };
}

async function unpack({ source, manifest }: Image): Promise<string> {
  const folder = join(await mkdtemp(join(area, 'case-')), 'root');
  await unpackImage(source, manifest, folder);
  return folder;
}

const listing = async (folder: string) => (await readdir(folder, { recursive: true })).sort();

describe('unpackImage', () => {
  it('lays files, folders, links, modes and times, layer upon layer', async () => {
    const root = await unpack(
      await image(
        [
          { name: 'etc/', type: 'directory', mode: 0o750 },
          { name: 'etc/a', text: 'one', mode: 0o600 },
          { name: 'bin', type: 'symlink', linkname: 'usr/bin' },
          { name: 'etc/b', type: 'link', linkname: 'etc/a' },
        ],
        [
          { name: 'etc/a', text: 'two' },
          { name: 'new/deep/file', text: 'x' },
        ],
      ),
    );
    expect(await listing(root)).toEqual(['bin', 'etc', 'etc/a', 'etc/b', 'new', 'new/deep', 'new/deep/file']);
    expect(await readFile(join(root, 'etc/a'), 'utf8')).toBe('two');
    expect(await readFile(join(root, 'etc/b'), 'utf8')).toBe('one');
    expect(await readlink(join(root, 'bin'))).toBe('usr/bin');
    const etc = await stat(join(root, 'etc'));
    expect([etc.mode & 0o777, etc.mtimeMs]).toEqual([0o750, 1e12]);
    expect((await stat(join(root, 'etc/b'))).mode & 0o777).toBe(0o600);
  });

  it('removes what a whiteout names, and with an opaque one all that lower layers hold', async () => {
    const root = await unpack(
      await image(
        [{ name: 'a/gone' }, { name: 'a/stays' }, { name: 'b/old/x' }, { name: 'b/kept/old' }, { name: 'c/file' }],
        [
          { name: 'a/.wh.gone' },
          { name: 'b/kept/new' },
          { name: 'b/.wh..wh..opq' },
          { name: 'b/later' },
          { name: '.wh.c' },
          { name: '.wh.never-was' },
        ],
      ),
    );
    expect(await listing(root)).toEqual(['a', 'a/stays', 'b', 'b/kept', 'b/kept/new', 'b/later']);
  });

  it('follows links of the image inside the image, as its own processes would see them', async () => {
    const root = await unpack(
      await image(
        [
          { name: 'usr/lib/', type: 'directory' },
          { name: 'lib', type: 'symlink', linkname: '/usr/lib' },
          { name: 'up', type: 'symlink', linkname: '../../../..' },
        ],
        [
          { name: 'lib/file', text: 'in' },
          { name: 'up/top', text: 'in' },
        ],
      ),
    );
    expect(await readFile(join(root, 'usr/lib/file'), 'utf8')).toBe('in');
    expect(await readFile(join(root, 'top'), 'utf8')).toBe('in');
    expect((await lstat(join(root, 'lib'))).isSymbolicLink()).toBe(true);
  });

  it('writes a file in place of a link, not through it', async () => {
    const root = await unpack(
      await image(
        [
          { name: 'target', text: 'old' },
          { name: 'x', type: 'symlink', linkname: 'target' },
        ],
        [{ name: 'x', text: 'new' }],
      ),
    );
    expect(await readFile(join(root, 'target'), 'utf8')).toBe('old');
    expect((await lstat(join(root, 'x'))).isFile()).toBe(true);
  });

  it('drops set-id bits when files do not keep their owners', async () => {
    const root = await unpack(await image([{ name: 'su', mode: 0o6755 }]));
    expect((await stat(join(root, 'su'))).mode & 0o7777).toBe(0o755);
  });

  it.each<[string, readonly Entry[], string]>([
    ['a name that leads out', [{ name: '../x' }], 'TAR_PATH_ESCAPES'],
    ['an absolute name', [{ name: '/etc/x' }], 'TAR_PATH_ESCAPES'],
    [
      'a name below a link of the same layer',
      [{ name: 'l', type: 'symlink', linkname: '/' }, { name: 'l/x' }],
      'TAR_PATH_ESCAPES',
    ],
    [
      'a hard link to a file of the host',
      [{ name: 'x', type: 'link', linkname: '../../etc/passwd' }],
      'TAR_PATH_ESCAPES',
    ],
    ['a device', [{ name: 'x', type: 'character-device' }], 'TAR_ENTRY_REFUSED'],
    ['a pipe', [{ name: 'x', type: 'fifo' }], 'TAR_ENTRY_REFUSED'],
    ['two files of one name', [{ name: 'x' }, { name: 'x' }], 'TAR_PATH_DUPLICATE'],
    ['a whiteout of the folder above', [{ name: 'a/.wh...' }], 'LAYER_INVALID'],
  ])('refuses %s and leaves nothing', async (_, entries, code) => {
    const parent = await mkdtemp(join(area, 'bad-'));
    const { source, manifest } = await image(entries);
    await expect(unpackImage(source, manifest, join(parent, 'root'))).rejects.toMatchObject({ code });
    expect(await readdir(parent)).toEqual([]);
  });

  it('refuses links in circles and files where a folder must be', async () => {
    const circle: Entry = { name: 'l', type: 'symlink', linkname: 'l' };
    await expect(image([circle], [{ name: 'l/x' }]).then(unpack)).rejects.toMatchObject({ code: 'LAYER_INVALID' });
    await expect(image([{ name: 'f' }], [{ name: 'f/x' }]).then(unpack)).rejects.toMatchObject({
      code: 'LAYER_INVALID',
    });
  });

  it('refuses layers that are not what manifest and config say', async () => {
    const good = await image([{ name: 'a', text: 'a' }]);
    const [digest, bytes] = [...good.blobs].find(([, blob]) => blob[0] === 0x1f) as [Digest, Buffer];
    const cut = sourceOf(new Map([...good.blobs, [digest, bytes.subarray(0, -1)]]));
    await expect(unpack({ ...good, source: cut })).rejects.toMatchObject({ family: 'proof' });
    const other = await image([{ name: 'b', text: 'b' }]);
    const swapped = [...other.blobs].find(([, blob]) => blob[0] === 0x1f) as [Digest, Buffer];
    const layer = { mediaType: MEDIA_TYPES.layerGzip, digest: swapped[0], size: swapped[1].length };
    const config = [...good.blobs].find(([, blob]) => blob.includes('diff_ids')) as [Digest, Buffer];
    const forged = buildManifest({
      config: { mediaType: MEDIA_TYPES.config, digest: config[0], size: config[1].length },
      layers: [layer],
    });
    const blobs = new Map([...good.blobs, ...other.blobs, [forged.descriptor.digest, forged.bytes]]);
    await expect(unpack({ source: sourceOf(blobs), manifest: forged.descriptor, blobs })).rejects.toMatchObject({
      code: 'LAYER_INVALID',
    });
  });

  it('stops a bomb at its limit', async () => {
    const { source, manifest } = await image([{ name: 'zeros', text: '\0'.repeat(2 << 20) }]);
    const folder = join(await mkdtemp(join(area, 'bomb-')), 'root');
    await expect(unpackImage(source, manifest, folder, { maxBytes: 1 << 20 })).rejects.toMatchObject({
      code: 'TAR_TOO_LARGE',
    });
  });
});
