// SPDX-License-Identifier: Apache-2.0
import { spawnSync } from 'node:child_process';
import { mkdtemp, mkdir, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf, hexOf } from '#core';
import { type Descriptor, readContent } from './content.ts';
import { createLayout, openLayout } from './layout.ts';
import { buildIndex } from './manifest.ts';

let area = '';
beforeAll(async () => {
  area = await mkdtemp(join(tmpdir(), 'oakum-layout-'));
});
afterAll(() => rm(area, { recursive: true }));

const fresh = (name: string) => mkdtemp(join(area, `${name}-`));

function content(text: string): { descriptor: Descriptor; bytes: () => AsyncGenerator<Uint8Array> } {
  const buffer = Buffer.from(text);
  const descriptor = { mediaType: 'application/octet-stream', digest: digestOf(buffer), size: buffer.length };
  return {
    descriptor,
    async *bytes() {
      yield buffer;
    },
  };
}

const blobPath = (folder: string, descriptor: Descriptor) => join(folder, 'blobs/sha256', hexOf(descriptor.digest));
const empty = buildIndex([]);
const other = buildIndex([], { which: 'other' });

describe('the layout', () => {
  it('is made with its mark and an empty index, and opened again', async () => {
    const folder = join(await fresh('new'), 'oci');
    await createLayout(folder);
    expect(JSON.parse(await readFile(join(folder, 'oci-layout'), 'utf8'))).toEqual({ imageLayoutVersion: '1.0.0' });
    expect((await (await openLayout(folder)).references()).size).toBe(0);
  });

  it('is not made in a folder that holds something else', async () => {
    const folder = await fresh('foreign');
    await writeFile(join(folder, 'thesis.txt'), '');
    await expect(createLayout(folder)).rejects.toMatchObject({ code: 'LAYOUT_INVALID', where: folder });
    expect(await readdir(folder)).toEqual(['thesis.txt']);
  });

  it('reads its index once while it stays the same, and again when another tool wrote it', async () => {
    const layout = await createLayout(await fresh('once'));
    await layout.putManifest(empty.descriptor, empty.bytes, 'a:v1');
    const first = await layout.references();
    expect(await layout.references()).toBe(first);
    await layout.putManifest(other.descriptor, other.bytes, 'b:v1');
    expect([...(await layout.references()).keys()]).toEqual(['a:v1', 'b:v1']);
    await (await openLayout(layout.folder)).putManifest(other.descriptor, other.bytes, 'a:v1');
    expect((await layout.references()).get('a:v1')?.digest).toBe(other.descriptor.digest);
    const path = join(layout.folder, 'index.json');
    await writeFile(path, (await readFile(path, 'utf8')).replace('"b:v1"', '"c:v1"'));
    expect([...(await layout.references()).keys()]).toEqual(['a:v1', 'c:v1']);
  });

  it('may name what hundreds of revisions hold: more than a manifest may have bytes', async () => {
    const folder = await fresh('many');
    await createLayout(folder);
    const { mediaType, digest, size } = empty.descriptor;
    const name = (index: number) => ({ 'org.opencontainers.image.ref.name': `channel/component-${index}:v1.0.0-r0` });
    const manifests = Array.from({ length: 30_000 }, (_, index) => ({
      mediaType,
      digest,
      size,
      annotations: name(index),
    }));
    await writeFile(join(folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests }));
    expect((await (await openLayout(folder)).references()).size).toBe(30_000);
  });

  it('does not write its index when a name already means the same', async () => {
    const layout = await createLayout(await fresh('same'));
    await layout.putManifest(empty.descriptor, empty.bytes, 'a:v1');
    const before = await stat(join(layout.folder, 'index.json'));
    await layout.putManifest(empty.descriptor, empty.bytes, 'a:v1');
    expect((await stat(join(layout.folder, 'index.json'))).ino).toBe(before.ino);
  });

  it('gives back what was put, by digest', async () => {
    const layout = await createLayout(await fresh('put'));
    const { descriptor, bytes } = content('hello');
    expect(await layout.has(descriptor)).toBe(false);
    await layout.put(descriptor, bytes);
    expect(await layout.has(descriptor)).toBe(true);
    expect((await readContent(layout, descriptor, 100)).toString()).toBe('hello');
  });

  it('keeps nothing of content that is not what its descriptor says', async () => {
    const folder = await fresh('wrong');
    const layout = await createLayout(folder);
    const { descriptor } = content('hello');
    const put = (text: string) => layout.put(descriptor, content(text).bytes);
    await expect(put('hallo')).rejects.toMatchObject({ code: 'BLOB_DIGEST_MISMATCH', family: 'proof' });
    await expect(put('hello world')).rejects.toMatchObject({ code: 'BLOB_SIZE_MISMATCH' });
    await expect(put('he')).rejects.toMatchObject({ code: 'BLOB_SIZE_MISMATCH' });
    expect(await readdir(join(folder, 'blobs/sha256'))).toEqual([]);
  });

  it('replaces a blob that was cut short by a crash', async () => {
    const folder = await fresh('cut');
    const layout = await createLayout(folder);
    const { descriptor, bytes } = content('hello');
    await writeFile(blobPath(folder, descriptor), 'he');
    await layout.put(descriptor, bytes);
    expect((await readContent(layout, descriptor, 100)).toString()).toBe('hello');
  });

  it('takes a file over without copying it, but not a wrong one', async () => {
    const folder = await fresh('adopt');
    const layout = await createLayout(folder);
    const { descriptor } = content('hello');
    const path = join(folder, 'elsewhere');
    await writeFile(path, 'hallo');
    await expect(layout.adopt(descriptor, path)).rejects.toMatchObject({ code: 'BLOB_DIGEST_MISMATCH' });
    await writeFile(path, 'hello');
    await layout.adopt(descriptor, path);
    expect((await stat(blobPath(folder, descriptor))).ino).toBe((await stat(path)).ino);
  });

  it('removes what a crashed run left, and not what a living one writes', async () => {
    const folder = await fresh('sweep');
    await createLayout(folder);
    const dead = spawnSync(process.execPath, ['-e', '']).pid;
    await writeFile(join(folder, 'blobs/sha256', `${'a'.repeat(64)}.tmp-${dead}-123`), '');
    await writeFile(join(folder, 'blobs/sha256', `${'a'.repeat(64)}.tmp-1-123`), '');
    await createLayout(folder);
    expect(await readdir(join(folder, 'blobs/sha256'))).toEqual([`${'a'.repeat(64)}.tmp-1-123`]);
  });

  it('moves a name, and keeps the entries and members of other tools', async () => {
    const folder = await fresh('names');
    const layout = await createLayout(folder);
    const foreign = { mediaType: 'x/y', digest: `sha512:${'0'.repeat(128)}`, size: 1, urls: ['https://example.com/'] };
    const index = { schemaVersion: 2, annotations: { by: 'another tool' }, manifests: [foreign] };
    await writeFile(join(folder, 'index.json'), JSON.stringify(index));
    await layout.putManifest(empty.descriptor, empty.bytes, 'a:v1');
    await layout.putManifest(other.descriptor, other.bytes, 'b:v1');
    await layout.putManifest(other.descriptor, other.bytes, 'a:v1');
    const written = JSON.parse(await readFile(join(folder, 'index.json'), 'utf8')) as typeof index;
    expect(written.annotations).toEqual(index.annotations);
    expect(written.manifests).toHaveLength(3);
    expect(written.manifests).toContainEqual(foreign);
    expect(await layout.resolve('a:v1')).toMatchObject({ digest: other.descriptor.digest });
    await expect(layout.resolve('c:v1')).rejects.toMatchObject({
      code: 'MANIFEST_UNKNOWN',
      hint: 'It holds a:v1, b:v1.',
    });
  });

  it('has the same index whatever the order in which images finish', async () => {
    const texts = await Promise.all(
      [
        ['a', 'b', 'c'],
        ['c', 'a', 'b'],
      ].map(async (names) => {
        const layout = await createLayout(await fresh('order'));
        for (const name of names) await layout.putManifest(empty.descriptor, empty.bytes, name);
        return readFile(join(layout.folder, 'index.json'), 'utf8');
      }),
    );
    expect(texts[0]).toBe(texts[1]);
  });

  it('loses no name when several processes write at once, one of which left its lock behind', async () => {
    const folder = await fresh('race');
    await createLayout(folder);
    await writeFile(join(folder, '.index.lock'), String(spawnSync(process.execPath, ['-e', '']).pid));
    const program = `
      import { createLayout, buildIndex } from '#image';
      const layout = await createLayout(process.argv[1]);
      const { descriptor, bytes } = buildIndex([]);
      await Promise.all(Array.from({ length: 10 }, (_, i) => layout.putManifest(descriptor, bytes, process.argv[2] + i)));`;
    const { spawn } = await import('node:child_process');
    const args = ['--conditions=oakum-source', '--input-type=module', '-e', program];
    const ends = ['a', 'b', 'c', 'd'].map((name) => {
      const child = spawn(process.execPath, [...args, folder, name], { cwd: import.meta.dirname, stdio: 'inherit' });
      return new Promise((resolve) => child.on('close', resolve));
    });
    expect(await Promise.all(ends)).toEqual([0, 0, 0, 0]);
    expect((await (await openLayout(folder)).references()).size).toBe(40);
    expect((await readdir(folder)).sort()).toEqual(['blobs', 'index.json', 'oci-layout']);
  });
});

describe('the layout reader, given a hostile folder,', () => {
  it.each([
    ['nothing', undefined],
    ['no JSON', 'nonsense'],
    ['another version', '{"imageLayoutVersion":"2.0.0"}'],
    ['null', 'null'],
  ])('refuses %s as its mark', async (_, text) => {
    const folder = await fresh('mark');
    if (text !== undefined) await writeFile(join(folder, 'oci-layout'), text);
    await expect(openLayout(folder)).rejects.toMatchObject({ code: 'LAYOUT_INVALID', where: folder });
  });

  it.each([
    ['no JSON', '{', 'MANIFEST_INVALID'],
    ['another schema', '{"schemaVersion":1,"manifests":[]}', 'MANIFEST_INVALID'],
    ['no list', '{"schemaVersion":2,"manifests":{}}', 'MANIFEST_INVALID'],
    ['megabytes', ' '.repeat((64 << 20) + 1), 'LAYOUT_INVALID'],
  ])('refuses an index that is %s', async (_, text, code) => {
    const layout = await createLayout(await fresh('index'));
    await writeFile(join(layout.folder, 'index.json'), text);
    await expect(layout.references()).rejects.toMatchObject({ code });
  });

  it('takes no digest that is a path for a descriptor', async () => {
    const layout = await createLayout(await fresh('path'));
    const entry = {
      mediaType: 'x',
      digest: 'sha256:../../../etc/passwd',
      size: 1,
      annotations: { 'org.opencontainers.image.ref.name': 'x' },
    };
    await writeFile(join(layout.folder, 'index.json'), JSON.stringify({ schemaVersion: 2, manifests: [entry] }));
    await expect(layout.resolve('x')).rejects.toMatchObject({ code: 'MANIFEST_UNKNOWN' });
  });

  it('reads no links, pipes or folders in place of blobs, and says what is missing', async () => {
    const folder = await fresh('kinds');
    const layout = await createLayout(folder);
    const { descriptor } = content('hello');
    const read = () => readContent(layout, descriptor, 100);
    await expect(read()).rejects.toMatchObject({ code: 'BLOB_MISSING' });
    await writeFile(join(folder, 'secret'), 'hello');
    await symlink(join(folder, 'secret'), blobPath(folder, descriptor));
    await expect(read()).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
    expect(await layout.has(descriptor)).toBe(false);
    await rm(blobPath(folder, descriptor));
    spawnSync('mkfifo', [blobPath(folder, descriptor)]);
    await expect(read()).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
    await rm(blobPath(folder, descriptor));
    await mkdir(blobPath(folder, descriptor));
    await expect(read()).rejects.toMatchObject({ code: 'LAYOUT_INVALID' });
  });

  it('finds blobs that were changed, and reads nothing that says it is too large', async () => {
    const folder = await fresh('changed');
    const layout = await createLayout(folder);
    const { descriptor, bytes } = content('hello');
    await layout.put(descriptor, bytes);
    await writeFile(blobPath(folder, descriptor), 'hallo');
    await expect(readContent(layout, descriptor, 100)).rejects.toMatchObject({ code: 'BLOB_DIGEST_MISMATCH' });
    await expect(readContent(layout, descriptor, 4)).rejects.toMatchObject({ code: 'CONTENT_TOO_LARGE' });
  });
});
