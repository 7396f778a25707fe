// SPDX-License-Identifier: Apache-2.0
// A small image with all that an SBOM speaks of: a Go program with a module and a nested one, compiled here, on two Debian packages.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { openCache } from '#cache';
import { architectureOf, digestOf, type Platform, runProcess, type TreeEntry } from '#core';
import { measureFile, measureTree, readImageContent, type ImageContent, type SbomInput } from '#evidence';
import {
  buildImage,
  cacheSource,
  type ContentSource,
  createLayout,
  type Descriptor,
  storeInLayout,
  storeLayer,
} from '#image';
import { startGoProxy } from '#testing';

/** The image, what it was made from, and where it can be read. */
export interface SbomStage {
  readonly input: SbomInput;
  readonly manifest: Descriptor;
  readonly source: ContentSource;
  /** A folder with an OCI layout that holds the image as `small:v1`. */
  readonly layout: string;
  content(): Promise<ImageContent>;
}

const epoch = new Date('2026-02-03T04:05:06Z');
const PATH = 'example.com/flux/small/v2';
const API = 'example.com/flux/small/api/v2';
const goMod = (version: string) =>
  `module ${PATH}\n\ngo 1.24\n\nrequire (\n\texample.com/Dep/greet ${version}\n\t${API} v2.0.0\n)\n\nreplace ${API} => ./api\n`;
const MAIN = `package main\n\nimport (\n\t"fmt"\n\n\t"example.com/Dep/greet"\n\t"${API}"\n)\n\nfunc main() { fmt.Println(greet.Hello(), api.Name) }\n`;

/** Compiles the program, with a module of some version, and packs it in `folder`. Throws with Go's words when that fails. */
export async function stageSbom(folder: string, version = 'v1.2.3'): Promise<SbomStage> {
  const platform: Platform = 'linux/amd64';
  const program = await compile(join(folder, 'src'), platform, version);
  const cache = await openCache(join(folder, 'cache'));
  const architecture = architectureOf(platform);
  const packages = packagesFor(architecture);
  const entries = treeOf(packages);
  const { layer } = await storeLayer({ inputs: `base ${platform}`, entries: () => entries, epoch }, cache);
  const binary = await cache.blobs.put(chunk(program.bytes));
  const image = await buildImage(
    {
      platform: { os: 'linux', architecture },
      base: [{ layer, created: epoch, createdBy: 'test' }],
      binary,
      binaryPath: 'usr/local/bin/small',
      epoch,
      run: { user: '65534:65534', entrypoint: ['small'] },
    },
    cache,
  );
  const layout = join(folder, 'oci');
  await storeInLayout(image.manifest.descriptor, 'small:v1', cache.blobs, await createLayout(layout));
  const source = cacheSource(cache.blobs);
  const input: SbomInput = {
    tool: { name: 'oakum', version: '0.0.0' },
    vendor: 'Example Works',
    subject: {
      name: 'small',
      version: 'v2.0.0',
      platform,
      digest: image.manifest.descriptor.digest,
      configDigest: image.config.descriptor.digest,
      created: epoch,
    },
    main: {
      path: PATH,
      version: 'v2.0.0',
      hash: 'h1:bWFpbg==',
      origin: { url: 'https://example.com/flux/small', commit: 'e29d07bf96317cae3964424de446940dcaac494f' },
      licence: { expression: 'Apache-2.0', files: [] },
    },
    nested: [{ path: API, version: 'v2.0.0', hash: 'h1:YXBp' }],
    modules: [{ ...program.module, licence: { expression: 'BSD-3-Clause AND MIT', files: [] } }],
    go: {
      version: program.goVersion,
      toolchain: { path: 'golang.org/toolchain', version: `v0.0.1-${program.goVersion}.linux-amd64`, hash: 'h1:Z28=' },
    },
    binary: await measureFile('usr/local/bin/small', cache.blobs.read(binary.digest)),
    files: await measureTree(entries),
    packages,
    distribution: { id: 'debian', versionId: '13', codename: 'trixie' },
  };
  let spools = 0;
  const temporary = () => join(folder, `spool-${(spools += 1)}`);
  return {
    input,
    manifest: image.manifest.descriptor,
    source,
    layout,
    content: () => readImageContent(source, image.manifest.descriptor, { temporary }),
  };
}

async function compile(folder: string, platform: Platform, version: string) {
  const proxy = await startGoProxy();
  try {
    const module = proxy.publish({
      path: 'example.com/Dep/greet',
      version,
      files: {
        'go.mod': 'module example.com/Dep/greet\n\ngo 1.24\n',
        'greet.go': 'package greet\n\n// Hello greets.\nfunc Hello() string { return "hello" }\n',
      },
    });
    const files: Readonly<Record<string, string>> = {
      'go.mod': goMod(version),
      'main.go': MAIN,
      'api/go.mod': `module ${API}\n\ngo 1.24\n`,
      'api/api.go': 'package api\n\n// Name is a name.\nconst Name = "small"\n',
    };
    for (const [name, text] of Object.entries(files)) {
      const path = join(folder, name);
      mkdirSync(dirname(path), { recursive: true });
      writeFileSync(path, text);
    }
    const env = {
      ...definedOf(process.env),
      CGO_ENABLED: '0',
      GOARCH: architectureOf(platform),
      GOFLAGS: '-mod=mod -modcacherw',
      GOMODCACHE: join(folder, '.modules'),
      GONOSUMDB: '*',
      GOOS: 'linux',
      GOPROXY: proxy.url,
      GOTOOLCHAIN: 'local',
    };
    const output = join(folder, 'small');
    const run = async (...argv: [string, ...string[]]) => {
      const result = await runProcess({ argv, cwd: folder, env, timeoutMilliseconds: 240_000 });
      if (result.exitCode !== 0) throw new Error(`${argv.join(' ')}: ${result.stderr}`);
      return result.stdout.trim();
    };
    await run('go', 'build', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', output, '.');
    const goVersion = await run('go', 'env', 'GOVERSION');
    return {
      bytes: readFileSync(output),
      goVersion,
      module: { path: module.path, version: module.version, hash: module.zipHash },
    };
  } finally {
    await proxy.stop();
  }
}

function definedOf(env: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}

const TEXTS: Readonly<Record<string, string>> = {
  'etc/debian_version': '13.8\n',
  'usr/share/doc/base-files/copyright': 'free text\n',
  'usr/share/doc/tzdata/copyright': 'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n',
  'usr/share/zoneinfo/Etc/UTC': 'TZif2\n',
  'etc/passwd': 'root:x:0:0:root:/root:/sbin/nologin\n',
  'usr/lib/os-release':
    'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\nVERSION_ID="13"\nVERSION_CODENAME=trixie\n',
};

function packagesFor(architecture: string): SbomInput['packages'] {
  const files = (...paths: string[]) => paths.map((path) => ({ path, digest: digestOf(TEXTS[path] ?? '') }));
  return [
    {
      name: 'tzdata',
      version: '2026f-0+deb13u1',
      architecture: 'all',
      source: { name: 'tzdata', version: '2026f-0+deb13u1' },
      sha256: digestOf('tzdata.deb'),
      maintainer: 'GNU Libc Maintainers <debian-glibc@lists.debian.org>',
      homepage: 'https://www.iana.org/time-zones',
      copyright: 'usr/share/doc/tzdata/copyright',
      licenses: ['public-domain', 'GPL-2+', 'Expat or BSD-3-clause'],
      files: files('usr/share/zoneinfo/Etc/UTC', 'usr/share/doc/tzdata/copyright'),
    },
    {
      name: 'base-files',
      version: '13.8+b1',
      architecture,
      source: { name: 'base-files-src', version: '13.8' },
      sha256: digestOf('base-files.deb'),
      maintainer: 'Santiago Vila <sanvila@debian.org>',
      licenses: [],
      copyright: 'usr/share/doc/base-files/copyright',
      files: files('etc/debian_version', 'usr/share/doc/base-files/copyright', 'usr/lib/os-release'),
    },
  ];
}

function treeOf(packages: SbomInput['packages']): TreeEntry[] {
  const status = packages.map(({ name, version, architecture, maintainer }) => [
    `var/lib/dpkg/status.d/${name}`,
    `Package: ${name}\nVersion: ${version}\nArchitecture: ${architecture}\nMaintainer: ${maintainer}\nDescription: test\n`,
  ]);
  const common = { uid: 0, gid: 0, mtime: epoch };
  const files = [...Object.entries(TEXTS), ...(status as [string, string][])].map(
    ([path, text]): TreeEntry => ({
      ...common,
      kind: 'file',
      path,
      mode: 0o644,
      size: Buffer.byteLength(text),
      open: () => chunk(Buffer.from(text)),
    }),
  );
  return [
    ...files,
    { ...common, kind: 'hardlink', path: 'usr/share/zoneinfo/UTC', mode: 0o644, target: 'usr/share/zoneinfo/Etc/UTC' },
    { ...common, kind: 'symlink', path: 'etc/os-release', mode: 0o777, target: '../usr/lib/os-release' },
    { ...common, kind: 'directory', path: 'tmp', mode: 0o1777 },
  ];
}

async function* chunk(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
