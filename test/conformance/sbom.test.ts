// SPDX-License-Identifier: Apache-2.0
// An SBOM of a real image: true of it, valid by the formats' own schemas and tools, and found out when it is not true.
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Ajv, type AnySchemaObject } from 'ajv';
import formats from 'ajv-formats';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Digest } from '#core';
import {
  buildSbom,
  compareSbom,
  contentReading,
  diffImages,
  diffSboms,
  type ImageContent,
  layoutEvidence,
  readImageContent,
  readSbom,
  type SbomInput,
  toCycloneDx,
  toReading,
  toSpdx,
} from '#evidence';
import { MAX_MANIFEST_BYTES, openLayout, readContent } from '#image';
import { imageSubjects } from '#vulnerabilities';
import { pythonJudge } from '../judges.ts';
import { type SbomStage, stageSbom } from '../sbom-stage.ts';

const folder = mkdtempSync(join(tmpdir(), 'oakum-sbom-'));
let stage: SbomStage;
let content: ImageContent;
beforeAll(async () => {
  stage = await stageSbom(join(folder, 'stage'));
  content = await stage.content();
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const WRITERS = { spdx: toSpdx, cyclonedx: toCycloneDx };

/** Gives what an SBOM of a changed input differs in from the real image. */
function differences(format: keyof typeof WRITERS, change: Partial<SbomInput> = {}) {
  const sbom = toReading(JSON.parse(JSON.stringify(WRITERS[format](buildSbom({ ...stage.input, ...change })))), format);
  return compareSbom(sbom, content);
}

describe.each(['spdx', 'cyclonedx'] as const)('the SBOM in %s', (format) => {
  it('is true of the image', () => {
    expect(content.programs.size).toBe(1);
    expect(content.files.get('usr/share/zoneinfo/UTC')).toEqual(content.files.get('usr/share/zoneinfo/Etc/UTC'));
    expect(differences(format)).toEqual([]);
  });

  it('is found out when a module has another hash', () => {
    const modules = stage.input.modules.map((module) => ({ ...module, hash: 'h1:b3RoZXI=' }));
    expect(differences(format, { modules })).toEqual([
      {
        what: 'module',
        name: 'example.com/Dep/greet@v1.2.3',
        sbom: 'h1:b3RoZXI=',
        image: stage.input.modules[0]?.hash,
      },
    ]);
  });

  it('is found out when a module has another version, is missing or is too many', () => {
    const [module] = stage.input.modules;
    const older = { ...(module as NonNullable<typeof module>), version: 'v1.2.2' };
    expect(differences(format, { modules: [older] }).map(({ name, sbom, image }) => [name, sbom, image])).toEqual([
      ['example.com/Dep/greet@v1.2.2', 'listed', undefined],
      ['example.com/Dep/greet@v1.2.3', undefined, 'compiled in'],
    ]);
    expect(differences(format, { modules: [] })).toMatchObject([{ what: 'module', sbom: undefined }]);
    const more = { path: 'example.com/more', version: 'v1.0.0', hash: 'h1:bW9yZQ==' };
    expect(differences(format, { modules: [...stage.input.modules, more] })).toMatchObject([
      { what: 'module', name: 'example.com/more@v1.0.0', image: undefined },
    ]);
    expect(differences(format, { nested: [] })).toMatchObject([{ what: 'module', sbom: undefined }]);
  });

  it('is found out when it names another Go', () => {
    expect(differences(format, { go: { ...stage.input.go, version: 'go1.20.1' } })).toMatchObject([
      { what: 'standard library', name: 'stdlib', sbom: 'v1.20.1' },
    ]);
  });

  it('is found out when a package has another version or architecture, or is missing', () => {
    const [tzdata, base] = stage.input.packages as [SbomInput['packages'][0], SbomInput['packages'][0]];
    const old = { ...tzdata, version: '2020a-1' };
    expect(differences(format, { packages: [old, base] })).toEqual([
      { what: 'package', name: 'tzdata', sbom: '2020a-1 all', image: '2026f-0+deb13u1 all' },
    ]);
    expect(differences(format, { packages: [tzdata, { ...base, architecture: 'arm64' }] })).toMatchObject([
      { what: 'package', name: 'base-files', sbom: '13.8+b1 arm64', image: '13.8+b1 amd64' },
    ]);
    expect(differences(format, { packages: [base] })).toMatchObject([
      { what: 'package', name: 'tzdata', sbom: undefined },
    ]);
  });

  it('is found out when a file has other bytes, is missing or is too many', () => {
    const digest: Digest = `sha256:${'0'.repeat(64)}`;
    const rest = stage.input.files.filter(({ path }) => path !== 'etc/passwd');
    const passwd = stage.input.files.find(({ path }) => path === 'etc/passwd') as SbomInput['files'][0];
    const name = '/etc/passwd';
    expect(differences(format, { files: rest })).toEqual([
      { what: 'file', name, sbom: undefined, image: passwd.digest },
    ]);
    expect(differences(format, { files: [...rest, { ...passwd, digest }] })).toEqual([
      { what: 'file', name, sbom: digest, image: passwd.digest },
    ]);
    expect(differences(format, { files: [...stage.input.files, { ...passwd, path: 'etc/shadow' }] })).toMatchObject([
      { what: 'file', name: '/etc/shadow', image: undefined },
    ]);
    expect(differences(format, { binary: { ...stage.input.binary, digest } })).toMatchObject([
      { what: 'file', name: '/usr/local/bin/small', sbom: digest },
    ]);
  });

  it('is found out when it belongs to another architecture or image', () => {
    const { subject } = stage.input;
    expect(differences(format, { subject: { ...subject, platform: 'linux/arm64' } })).toEqual([
      { what: 'image', name: 'architecture', sbom: 'arm64', image: 'amd64' },
    ]);
    expect(differences(format, { subject: { ...subject, digest: subject.configDigest } })).toMatchObject([
      { what: 'image', name: 'manifest' },
    ]);
  });

  it('differs from another by what changed', () => {
    const read = (change: Partial<SbomInput>) =>
      toReading(JSON.parse(JSON.stringify(WRITERS[format](buildSbom({ ...stage.input, ...change })))), format);
    const modules = stage.input.modules.map((module) => ({
      ...module,
      version: 'v1.3.0',
      licence: { expression: 'MIT', files: [] },
    }));
    const go = {
      version: 'go1.99.1',
      toolchain: { ...stage.input.go.toolchain, version: 'v0.0.1-go1.99.1.linux-amd64' },
    };
    const changes = diffSboms(
      read({}),
      read({ modules, go, files: stage.input.files.filter(({ path }) => path !== 'etc/passwd') }),
    );
    expect(changes.map(({ what, name, before, after }) => [what, name, before, after])).toEqual([
      ['module', 'example.com/Dep/greet', 'v1.2.3', 'v1.3.0'],
      ['standard library', 'stdlib', stage.input.go.version.replace('go', 'v'), 'v1.99.1'],
      ['toolchain', 'golang.org/toolchain', stage.input.go.toolchain.version, 'v0.0.1-go1.99.1.linux-amd64'],
      ['licence', 'example.com/Dep/greet', 'BSD-3-Clause AND MIT', 'MIT'],
      ['file', '/etc/passwd', expect.any(String), undefined],
    ]);
    expect(diffSboms(read({}), read({}))).toEqual([]);
  });
});

describe('the SBOM builder', () => {
  const text = (input: SbomInput) => WRITER_LIST.map((write) => JSON.stringify(write(buildSbom(input)))).join();
  const WRITER_LIST = Object.values(WRITERS);

  it('gives the same bytes for the same parts in any order, and another name to other content', () => {
    const { input } = stage;
    const packages = input.packages.map((one) => ({ ...one, files: one.files.toReversed() })).reverse();
    expect(text({ ...input, packages, files: input.files.toReversed() })).toBe(text(input));
    const uuid = buildSbom(input).uuid;
    expect(uuid).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(buildSbom({ ...input, main: { ...input.main, licence: { expression: 'MIT', files: [] } } }).uuid).not.toBe(
      uuid,
    );
  });

  it('relates what it lists', () => {
    const { relations, files, components } = buildSbom(stage.input);
    const names = new Map([
      ...files.map(({ id, path }) => [id, path]),
      ...components.map(({ id, name }) => [id, name]),
    ] as [string, string][]);
    const said = relations.map(({ from, kind, to }) => `${names.get(from)} ${kind} ${names.get(to)}`);
    expect(said).toEqual(
      expect.arrayContaining([
        'small CONTAINS usr/local/bin/small',
        'small CONTAINS etc/passwd',
        'small CONTAINS tzdata',
        'small CONTAINS stdlib',
        'tzdata CONTAINS usr/share/zoneinfo/Etc/UTC',
        'tzdata CONTAINS usr/share/zoneinfo/UTC',
        'usr/local/bin/small GENERATED_FROM example.com/flux/small/v2',
        'example.com/flux/small/v2 GENERATES usr/local/bin/small',
        'tzdata GENERATED_FROM tzdata',
        'base-files GENERATED_FROM base-files-src',
        'var/lib/dpkg/status.d/tzdata METAFILE_OF tzdata',
        'golang.org/toolchain BUILD_TOOL_OF usr/local/bin/small',
        'example.com/flux/small/v2 DEPENDS_ON example.com/Dep/greet',
        'example.com/flux/small/v2 DEPENDS_ON stdlib',
      ]),
    );
    expect(said).not.toContain('small CONTAINS golang.org/toolchain');
  });

  it('names source packages, licences and the commit as scanners look for them', () => {
    const document = JSON.parse(JSON.stringify(toSpdx(buildSbom(stage.input)))) as {
      packages: { name: string; externalRefs?: { referenceLocator: string }[]; [key: string]: unknown }[];
    };
    const one = (name: string) => document.packages.find((found) => found.name === name);
    const references = (name: string) => one(name)?.externalRefs?.map(({ referenceLocator }) => referenceLocator);
    expect(references('base-files')).toEqual([
      'pkg:deb/debian/base-files@13.8%2Bb1?arch=amd64&distro=debian-13&upstream=base-files-src%4013.8',
    ]);
    expect(one('tzdata')?.['licenseDeclared']).toBe(
      '(MIT OR BSD-3-Clause) AND GPL-2.0-or-later AND LicenseRef-Debian-public-domain',
    );
    expect(one('base-files')?.['licenseDeclared']).toBe('NOASSERTION');
    expect(references('example.com/Dep/greet')).toEqual([
      'pkg:golang/example.com/dep/greet@v1.2.3',
      stage.input.modules[0]?.hash,
    ]);
    expect(one('example.com/Dep/greet')?.['checksums']).toBeUndefined();
    expect(one('example.com/flux/small/v2')?.['downloadLocation']).toBe(
      'git+https://example.com/flux/small@e29d07bf96317cae3964424de446940dcaac494f',
    );
    expect(references('stdlib')?.[0]).toBe(`pkg:golang/stdlib@${stage.input.go.version.replace('go', 'v')}`);
  });

  it.each<[string, (input: SbomInput) => Partial<SbomInput>]>([
    [
      "a package's file that is not there",
      ({ files }) => ({ files: files.filter(({ path }) => path !== 'etc/debian_version') }),
    ],
    [
      "a package's file with other bytes",
      ({ files, binary }) => ({
        files: files.map((file) => (file.path === 'etc/debian_version' ? { ...file, digest: binary.digest } : file)),
      }),
    ],
    ['a path that comes twice', ({ files, binary }) => ({ files: [...files, binary] })],
    ['a module that comes twice', ({ modules }) => ({ modules: [...modules, ...modules] })],
  ])('refuses %s', (_, change) => {
    expect(() => buildSbom({ ...stage.input, ...change(stage.input) })).toThrow(
      expect.objectContaining({ code: 'SBOM_INPUT_INVALID' }),
    );
  });
});

describe('the SBOM reader', () => {
  it.each([
    'no JSON',
    '[]',
    '{}',
    '{"spdxVersion":"SPDX-3.0","name":"x"}',
    '{"spdxVersion":"SPDX-2.3","name":"x","packages":[{"name":1}]}',
    '{"bomFormat":"CycloneDX","specVersion":"1.6","components":[{"type":"file"}]}',
    '\u00ff',
  ])('refuses %s', (text) => {
    const bytes = text === '\u00ff' ? Buffer.from([0xff]) : Buffer.from(text);
    expect(() => readSbom(bytes, 'test')).toThrow(expect.objectContaining({ code: 'SBOM_INVALID', where: 'test' }));
  });

  it('finds an empty document untrue', () => {
    const empty = readSbom(Buffer.from('{"bomFormat":"CycloneDX","specVersion":"1.6"}'), 'test');
    expect(compareSbom(empty, content).length).toBeGreaterThan(content.files.size);
  });
});

describe('the image reader', () => {
  it('gives an image without an SBOM the same form', () => {
    const sbom = toReading(JSON.parse(JSON.stringify(toSpdx(buildSbom(stage.input)))), 'sbom');
    const changes = diffSboms(contentReading(content), sbom).filter(({ what }) => what !== 'toolchain');
    expect(changes.map(({ name, before, after }) => [name, before, after])).toEqual([
      ['example.com/flux/small/api/v2', '(devel)', 'v2.0.0'],
      ['example.com/flux/small/v2', '(devel)', 'v2.0.0'],
    ]);
  });

  it('is scanned by its layers where it has no SBOM', async () => {
    const layout = await openLayout(stage.layout);
    const descriptor = await layout.resolve('small:v1');
    const root = { descriptor, bytes: await readContent(layout, descriptor, MAX_MANIFEST_BYTES) };
    const temporary = () => join(folder, `scan-${randomUUID()}`);
    const [subject] = await imageSubjects({ image: 'small:v1', root, store: layoutEvidence(layout), temporary });
    expect(subject?.packages.map(({ ecosystem, name, version }) => [ecosystem, name, version])).toEqual(
      expect.arrayContaining([
        ['Debian:13', 'base-files', '13.8'],
        ['Debian:13', 'tzdata', '2026f-0+deb13u1'],
        ['Go', 'example.com/Dep/greet', 'v1.2.3'],
      ]),
    );
    expect(subject).toMatchObject({ kind: 'image', gaps: [] });
  });

  it('refuses layers that are not what the manifest says', async () => {
    const temporary = () => join(folder, 'spool');
    const altered = {
      open: async function* (descriptor: Parameters<typeof stage.source.open>[0]) {
        for await (const bytes of stage.source.open(descriptor)) {
          const copy = Buffer.from(bytes);
          if (descriptor.mediaType.includes('layer')) copy[copy.length - 20] = (copy[copy.length - 20] ?? 0) ^ 1;
          yield copy;
        }
      },
    };
    await expect(readImageContent(altered, stage.manifest, { temporary })).rejects.toMatchObject({ family: 'proof' });
  });
});

describe('two images', () => {
  const side = async (folderOf: string) => {
    const layout = await openLayout(folderOf);
    const descriptor = await layout.resolve('small:v1');
    const bytes = await readContent(layout, descriptor, MAX_MANIFEST_BYTES);
    return { image: folderOf, root: { descriptor, bytes }, store: layoutEvidence(layout) };
  };

  it('without an SBOM differ by what their layers hold', async () => {
    const later = await stageSbom(join(folder, 'later'), 'v1.2.4');
    const temporary = () => join(folder, `diff-${randomUUID()}`);
    const [one] = await diffImages(await side(stage.layout), await side(later.layout), { temporary });
    expect(one).toMatchObject({ from: 'layers' });
    expect(one?.changes.map(({ what, name, before, after }) => [what, name, before, after])).toEqual([
      ['module', 'example.com/Dep/greet', 'v1.2.3', 'v1.2.4'],
      ['file', '/usr/local/bin/small', stage.input.binary.digest, later.input.binary.digest],
    ]);
    const [same] = await diffImages(await side(stage.layout), await side(stage.layout), { temporary });
    expect(same?.changes).toEqual([]);
  });
});

/** The stage's input as a patched revision has it: its module was raised, its go.mod edited. */
function patchedInput(): SbomInput {
  const findings = ['GO-2026-0001'];
  return {
    ...stage.input,
    main: { ...stage.input.main, overlay: { findings, patches: ['patches/small/0001-fix.patch'] } },
    modules: stage.input.modules.map((one) => ({ ...one, raised: { version: 'v1.0.0', findings } })),
  };
}

describe('the SBOM of a patched image', () => {
  const named = (value: object, name: string) => (value as { name: string }[]).find((one) => one.name === name);
  const written = (format: keyof typeof WRITERS) =>
    JSON.parse(JSON.stringify(WRITERS[format](buildSbom(patchedInput())))) as Record<string, object>;

  it('tells in CycloneDX what each raised module was, and what was laid over the source', () => {
    const components = written('cyclonedx')['components'] ?? [];
    expect(named(components, 'example.com/Dep/greet')).toMatchObject({
      version: 'v1.2.3',
      pedigree: {
        ancestors: [
          { name: 'example.com/Dep/greet', version: 'v1.0.0', purl: 'pkg:golang/example.com/dep/greet@v1.0.0' },
        ],
        notes: 'patched: raised from v1.0.0 to v1.2.3, for GO-2026-0001',
      },
    });
    expect(named(components, stage.input.main.path)).toMatchObject({
      pedigree: { patches: [{ type: 'unofficial', resolves: [{ type: 'security', id: 'GO-2026-0001' }] }] },
    });
  });

  it('tells it in SPDX in a comment', () => {
    const packages = written('spdx')['packages'] ?? [];
    expect(named(packages, 'example.com/Dep/greet')).toMatchObject({
      comment: 'patched: raised from v1.0.0 to v1.2.3, for GO-2026-0001',
    });
  });

  it.each(['spdx', 'cyclonedx'] as const)('names the old version nowhere as content (%s)', (format) => {
    const reading = toReading(written(format), format);
    expect(compareSbom(reading, content)).toEqual([]);
    expect(reading.components.filter(({ version }) => version === 'v1.0.0')).toEqual([]);
  });

  it('has other bytes than that of an unpatched image, which has none of this', () => {
    expect(JSON.stringify(toCycloneDx(buildSbom(stage.input)))).not.toContain('patched');
    expect(buildSbom(patchedInput()).uuid).not.toBe(buildSbom(stage.input).uuid);
  });
});

describe('the formats', () => {
  it('CycloneDX is valid by its schema', () => {
    const schemas = new URL('../../node_modules/@cyclonedx/cyclonedx-library/res/schema/', import.meta.url);
    const read = (name: string) =>
      JSON.parse(readFileSync(new URL(`${name}.SNAPSHOT.schema.json`, schemas), 'utf8')) as AnySchemaObject;
    const ajv = new Ajv({ strict: false, validateFormats: true });
    formats.default(ajv);
    ajv.addFormat('idn-email', /^[^\s@]+@[^\s@]+$/);
    ajv.addFormat('iri-reference', /^[^\s<>"{}|\\^`]*$/);
    for (const name of ['spdx', 'jsf-0.82']) {
      ajv.addSchema(read(name), `http://cyclonedx.org/schema/${name}.SNAPSHOT.schema.json`);
    }
    const validate = ajv.compile(read('bom-1.6'));
    const bom = JSON.parse(JSON.stringify(toCycloneDx(buildSbom(stage.input)))) as { serialNumber: string };
    expect(validate(bom) ? [] : validate.errors).toEqual([]);
    const patched = JSON.parse(JSON.stringify(toCycloneDx(buildSbom(patchedInput())))) as object;
    expect(validate(patched) ? [] : validate.errors).toEqual([]);
    expect(validate({ ...bom, serialNumber: 'none' })).toBe(false);
  });

  it('SPDX is valid by the tools of its makers and has the minimum elements of NTIA', async ({ skip }) => {
    const run = await pythonJudge('sbom', ['spdx-tools==0.8.5', 'ntia-conformance-checker==6.0.0']);
    skip(run === undefined, 'there is no Python with venv on this machine');
    if (run === undefined) return;
    const file = join(folder, 'small.spdx.json');
    writeFileSync(file, JSON.stringify(toSpdx(buildSbom(patchedInput()))));
    const tool = run('pyspdxtools', ['-i', file]);
    expect(`${tool.stdout}${tool.stderr}`).toBe('');
    expect(tool.status).toBe(0);
    const elements = run('ntia-checker', ['--file', file]);
    expect(elements.stdout).toContain('Conformant: True');
    expect(elements.stdout).not.toMatch(/\| False/);
  });
});
