// SPDX-License-Identifier: Apache-2.0
// Our side of bench/sbom.ts: `sbom-run.ts LAYOUT NAME` makes the SBOM of the image's first platform in both formats and tells how long it took.
import { createHash, randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { digestOf } from '#core';
import {
  buildSbom,
  compareSbom,
  type ImageContent,
  readImageContent,
  readSbom,
  type SbomInput,
  toCycloneDx,
  toSpdx,
} from '#evidence';
import { canonicalJson } from '#formats';
import { type Descriptor, openLayout, parseIndex, readContent } from '#image';

const [folder = '', name = ''] = process.argv.slice(2);
const layout = await openLayout(folder);
const index = parseIndex(await readContent(layout, await layout.resolve(name), 4 << 20), name);
const manifest = index.manifests.find((one) => one.platform?.os === 'linux') as Descriptor;

const times: Record<string, number> = {};
async function timed<T>(what: string, run: () => T | Promise<T>): Promise<T> {
  const start = performance.now();
  const value = await run();
  times[what] = Math.round(10 * (performance.now() - start)) / 10;
  return value;
}

const temporary = () => join(tmpdir(), `oakum-bench-${randomUUID()}`);
const content = await timed('read', () => readImageContent(layout, manifest, { temporary }));
const input = toInput(content);
const make = () => {
  const sbom = buildSbom(input);
  return [canonicalJson(toSpdx(sbom)), canonicalJson(toCycloneDx(sbom))] as const;
};
const [spdx] = await timed('make', make);
for (let round = 0; round < 6; round += 1) make();
await timed('makeAgain', make);
const differences = await timed('compare', () => compareSbom(readSbom(Buffer.from(spdx), name), content));
console.log(
  JSON.stringify({
    ...times,
    components: buildSbom(input).components.length,
    files: content.files.size,
    differences: differences.length,
  }),
);

/** What the factory knows when it has built the image, taken here from the image. */
function toInput({ files, packages, programs, architecture, manifest: digest }: ImageContent): SbomInput {
  const [[path, info] = ['', undefined]] = programs;
  const all = [...files].map(([name_, file]) => ({
    path: name_,
    digest: file.digest,
    size: file.size,
    sha1: createHash('sha1').update(name_).digest('hex'),
  }));
  const modules = (info?.dependencies ?? []).map((module) => module.replacedBy ?? module);
  const program = all.find((file) => file.path === path);
  if (info === undefined || program === undefined) throw new Error('there is no Go program in this image');
  return {
    tool: { name: 'oakum', version: '0' },
    vendor: 'bench',
    subject: {
      name,
      version: 'v0',
      platform: architecture === 'arm64' ? 'linux/arm64' : 'linux/amd64',
      digest,
      configDigest: digest,
      created: new Date(0),
    },
    main: { path: info.main?.path ?? '', version: 'v0.0.0' },
    nested: info.dependencies
      .filter((module) => (module.replacedBy ?? module).hash === undefined)
      .map((module) => ({ path: module.path, version: 'v0.0.0' })),
    modules: modules.flatMap(({ path: module, version, hash }) =>
      hash === undefined ? [] : [{ path: module, version, hash }],
    ),
    go: {
      version: info.goVersion,
      toolchain: { path: 'golang.org/toolchain', version: `v0.0.1-${info.goVersion}.linux-amd64` },
    },
    binary: program,
    files: all.filter((file) => file !== program),
    packages: packages.map((one) => ({
      ...one,
      source: { name: one.name, version: one.version },
      sha256: digestOf(one.name),
      maintainer: '',
      licenses: [],
      files: [],
    })),
    distribution: { id: 'debian', versionId: '13' },
  };
}
