// SPDX-License-Identifier: Apache-2.0
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { certifiedBy, FIPS_MODULE } from '#build';
import { type Cache, openCache } from '#cache';
import type { TreeEntry } from '#core';
import type { Json } from '#formats';
import { layoutEvidence, PREDICATES, publishEvidence, toStatement } from '#evidence';
import { buildImage, type BuiltImage, createLayout, storeInLayout, storeLayer } from '#image';
import { createTestSigner } from '#testing';
import { examineImage, type ExamineTools, warningsOf } from './examine-image.ts';

const EPOCH = new Date('2026-01-02T03:04:05Z');
const PROGRAM = `package main

import ("crypto/md5"; "crypto/sha256")

func main() { println(len(sha256.New().Sum(md5.New().Sum(nil)))) }
`;

interface Content {
  readonly program: string;
  readonly extra?: readonly (readonly [path: string, bytes: Buffer])[];
  readonly start?: readonly string[];
  readonly environment?: readonly string[];
  readonly labels?: Readonly<Record<string, string>>;
}

describe('the FIPS report of an image', () => {
  let folder: string;
  let cache: Cache;
  const programs: Record<'plain' | 'validated', string> = { plain: '', validated: '' };
  const tools: ExamineTools = {
    now: new Date('2026-11-24T00:00:00Z'),
    temporary: () => join(folder, `spool-${randomUUID()}`),
  };

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'oakum-fips-image-'));
    cache = await openCache(join(folder, 'cache'));
    const source = join(folder, 'source');
    await mkdir(source);
    await writeFile(join(source, 'go.mod'), 'module example.com/hasher\n\ngo 1.24\n');
    await writeFile(join(source, 'main.go'), PROGRAM);
    for (const [name, setting] of [
      ['plain', 'off'],
      ['validated', FIPS_MODULE.setting],
    ] as const) {
      programs[name] = join(folder, name);
      const env = { ...process.env, CGO_ENABLED: '0', GOFIPS140: setting };
      execFileSync('go', ['build', '-trimpath', '-ldflags=-s -w', '-o', programs[name], '.'], { cwd: source, env });
    }
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  async function build(content: Content): Promise<BuiltImage> {
    const { program, extra = [], start = ['hasher'], environment = [], labels = {} } = content;
    const paths = extra.map(([path]) => path).join();
    const entries = (): TreeEntry[] =>
      extra.map(([path, bytes]) => ({
        kind: 'file',
        path,
        mode: 0o755,
        uid: 0,
        gid: 0,
        mtime: EPOCH,
        size: bytes.length,
        open: async function* () {
          yield bytes;
        },
      }));
    const { layer } = await storeLayer({ inputs: paths, entries, epoch: EPOCH }, cache);
    return buildImage(
      {
        platform: { architecture: 'amd64', os: 'linux' },
        base: [{ layer, created: EPOCH, createdBy: 'the base' }],
        binary: await cache.blobs.put(createReadStream(program)),
        binaryPath: 'usr/local/bin/hasher',
        epoch: EPOCH,
        run: { user: '1:1', entrypoint: start, environment, labels },
      },
      cache,
    );
  }

  async function examined(content: Content, claim?: Json) {
    const image = await build(content);
    const layout = await createLayout(join(folder, `layout-${randomUUID()}`));
    const { descriptor } = image.manifest;
    await storeInLayout(descriptor, 'hasher', cache.blobs, layout);
    const store = layoutEvidence(layout);
    if (claim !== undefined) {
      const statement = toStatement({ name: 'hasher', digest: descriptor.digest }, PREDICATES.fipsReport, claim);
      const claims = [{ statement, subjects: [descriptor] }];
      await publishEvidence({ store, claims, signer: createTestSigner(), created: EPOCH });
    }
    const report = await examineImage({ image: 'hasher', root: image.manifest, store }, tools);
    const [only] = report.platforms;
    if (only === undefined) throw new TypeError('there is one platform');
    return only;
  }

  it('proves one that starts a program with the validated module', async () => {
    expect(await examined({ program: programs.validated })).toMatchObject({
      platform: 'linux/amd64',
      verdict: 'proved',
      reasons: [],
      warnings: [],
      programs: [{ path: 'usr/local/bin/hasher', certificate: { number: 5247, status: 'active' } }],
      attested: { there: false },
    });
  });

  it('warns of a certificate that nears its end, and of what is known of a module, each once', () => {
    const [modern, boring] = [{ certified: certifiedBy('fips140') }, { certified: certifiedBy('boring') }];
    expect(warningsOf([modern, modern], new Date('2026-11-24'))).toEqual([]);
    expect(warningsOf([modern, modern], new Date('2031-03-01'))).toEqual([
      expect.stringMatching(/certificate 5247 .* leaves the active list in 56 days, on 2031-04-26/),
    ]);
    expect(warningsOf([boring], new Date('2026-11-24'))).toEqual([
      expect.stringMatching(/^BoringCrypto fips-20220613: .*FIPS 140-2 certificates .* historical since 2026-09-21$/),
    ]);
  });

  it('says that labels prove nothing', async () => {
    const labels = { 'com.example.fips': 'true', 'org.opencontainers.image.title': 'hasher' };
    const report = await examined({ program: programs.plain, labels });
    expect(report).toMatchObject({
      verdict: 'not proved',
      claims: [{ where: 'label', name: 'com.example.fips', value: 'true' }],
    });
    expect(report.reasons.join()).toContain('usr/local/bin/hasher: it is built without a validated module');
  });

  it('is not content with a proved program that is not started, or is started with the mode off', async () => {
    const other = await examined({ program: programs.validated, start: ['/bin/sh', '-c', 'true'] });
    expect(other.reasons).toEqual([expect.stringContaining('what it starts (/bin/sh -c true) is none of the proved')]);
    const off = await examined({ program: programs.validated, environment: ['GODEBUG=a=1,fips140=off'] });
    expect(off.reasons).toEqual(['its environment turns FIPS mode off: GODEBUG=a=1,fips140=off']);
  });

  it('sees every other program: one without the mode, a packed one; and does not mind what is not of Go', async () => {
    const plain = await readFile(programs.plain);
    const packed = Buffer.from(plain);
    packed.writeUInt16LE(0, 60);
    packed.write('UPX!', 2048, 'latin1');
    const bad = await examined({
      program: programs.validated,
      extra: [
        ['bin/packed', packed],
        ['bin/plain', plain],
      ],
    });
    expect([...bad.reasons].sort()).toEqual([
      expect.stringMatching(/^bin\/packed: it is packed/),
      expect.stringMatching(/^bin\/plain: it is built without a validated module/),
    ]);
    const library = Buffer.from(
      plain
        .toString('latin1')
        .replace(/\.go\.buildinfo|\.gopclntab|\.note\.go\./g, (name) => '.'.padEnd(name.length, 'x')),
      'latin1',
    );
    const good = await examined({ program: programs.validated, extra: [['lib/tool', library]] });
    expect(good).toMatchObject({ verdict: 'proved', others: [{ path: 'lib/tool', kind: 'other' }] });
  });

  it('compares the report that is attached with what the bytes say', async () => {
    const { programs: found } = await examined({ program: programs.validated });
    const [own] = found;
    if (own === undefined) throw new TypeError('there is a program');
    const { toolchain, digest: binary, fips: facts, outside } = own;
    const claim = { mode: 'fips140', toolchain, binary, facts, outside, module: { version: facts.version } } as const;
    const attached = JSON.parse(JSON.stringify(claim)) as typeof claim;
    expect(await examined({ program: programs.validated }, attached)).toMatchObject({
      verdict: 'proved',
      attested: { there: true, differences: [] },
    });
    const lie = { ...attached, facts: { ...facts, integritySum: '00' }, outside: [] } as unknown as Json;
    const told = await examined({ program: programs.validated }, lie);
    expect(told.verdict).toBe('not proved');
    expect(told.reasons).toEqual([
      expect.stringMatching(/^the attached report says otherwise: facts is .*"integritySum":"00"/),
      expect.stringContaining('cryptography outside the module is [], the program\'s bytes say ["crypto/md5"]'),
    ]);
    const moved = await examined({ program: programs.plain }, attached);
    expect(moved.reasons.join()).toContain('it is about a program that is not in the image');
    expect((await examined({ program: programs.validated }, { any: 'thing' })).reasons.join()).toContain(
      'it is no FIPS report',
    );
  });
});
