// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import { createKeySigner } from '#evidence';
import {
  buildVexDocument,
  type Finding,
  parseDecisions,
  readSlaLog,
  type ScannedTarget,
  sealedByKeys,
  type VexDocument,
  type VexImage,
} from '#vulnerabilities';
import { observeScan } from './observe-scan.ts';

const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const check = sealedByKeys([createPublicKey(privateKey)]);
const image = (revision: string): VexImage => ({
  component: 'source-controller',
  channel: 'distroless',
  revision,
  repository: 'registry.example.com/flux/distroless/source-controller',
  index: digestOf(`index of ${revision}`),
  platforms: [
    { platform: 'linux/amd64', digest: digestOf(`amd64 of ${revision}`) },
    { platform: 'linux/arm64', digest: digestOf(`arm64 of ${revision}`) },
  ],
});
const FIRST = image('2.9.2-r0');
const SECOND = image('2.9.2-r1');

/** A finding as a scan gives it, as far as clocks look at it. */
function finding(id: string, name: string): Finding {
  const partial = {
    id,
    ids: [id],
    package: { ecosystem: 'Go', name, version: 'v0.30.0', scope: 'image' },
    occurrences: [{ name, version: 'v0.30.0', purl: `pkg:golang/${name}@v0.30.0` }],
    severity: { rating: 'critical', score: 9.8 },
    published: '2026-08-01T00:00:00Z',
    fix: 'v0.31.0',
  };
  return partial as unknown as Finding;
}

const reports = (of: VexImage, findings: readonly Finding[], platforms = of.platforms): readonly ScannedTarget[] =>
  platforms.map(({ platform, digest }) => ({ target: 'source-controller', digest, platform, findings }));
const BOTH = [finding('CVE-2026-0001', 'golang.org/x/net'), finding('CVE-2026-0002', 'golang.org/x/text')];

function notAffected(of: VexImage): VexDocument {
  const text = `version: 1
decisions:
  - {vulnerability: CVE-2026-0002, status: not_affected, justification: vulnerable_code_not_present, reason: It is not compiled in.,
     author: jane, decided: "2026-08-02T00:00:00Z", review: 2026-12-01, packages: ["pkg:golang/golang.org/x/text"]}
`;
  const now = new Date('2026-08-03T00:00:00Z');
  const context = { now, components: ['source-controller'], channels: ['distroless'] };
  const decisions = parseDecisions([{ file: 'vex/a.yaml', text }], context);
  const origin = { author: 'test', namespace: 'https://example.com/vex' };
  return buildVexDocument({ decisions, images: [of], now, origin }) as VexDocument;
}

describe('observing a scan', () => {
  let folder: string;
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), 'oakum-observe-'))));
  afterEach(() => rm(folder, { recursive: true }));

  const observe = (more: Partial<Parameters<typeof observeScan>[0]>, day = 3) =>
    observeScan({
      reports: reports(FIRST, BOTH),
      images: [FIRST],
      documents: [],
      feeds: { ssvc: async () => new Map() },
      published: false,
      now: new Date(Date.UTC(2026, 7, day)),
      log: { file: join(folder, 'log.jsonl'), name: 'test', signer: createKeySigner(privateKey), check },
      ...more,
    });
  const logged = async () => {
    const { events, faults } = await readSlaLog(join(folder, 'log.jsonl'), { check });
    expect(faults).toEqual([]);
    return events.map(({ kind, vulnerability }) => `${vulnerability} ${kind}`);
  };

  it('starts a clock for each vulnerability of the product, whatever the number of platforms, and once', async () => {
    await observe({});
    expect((await observe({}, 4)).events).toEqual([]);
    const each = ['disclosed', 'detected', 'fix-available'];
    expect(await logged()).toEqual(
      ['CVE-2026-0001', 'CVE-2026-0002'].flatMap((id) => each.map((kind) => `${id} ${kind}`)),
    );
  });

  it('notes what was decided', async () => {
    const { judgements, events } = await observe({ documents: [notAffected(FIRST)] });
    expect(judgements.map(({ state }) => state)).toEqual(['open', 'not_affected', 'open', 'not_affected']);
    expect(events.at(-1)).toMatchObject({ kind: 'assessed', status: 'not_affected', vulnerability: 'CVE-2026-0002' });
  });

  it('stops the clocks of what is gone from a revision that can be pulled', async () => {
    await observe({});
    const left = { reports: reports(SECOND, BOTH.slice(1)), images: [SECOND] };
    expect((await observe(left, 4)).events).toEqual([]);
    expect((await observe({ ...left, published: true }, 4)).events).toMatchObject([
      { kind: 'published', vulnerability: 'CVE-2026-0001', revision: '2.9.2-r1', digest: SECOND.index },
    ]);
  });

  it('stops none as long as a platform was not scanned', async () => {
    await observe({});
    const half = reports(SECOND, [], SECOND.platforms.slice(0, 1));
    expect((await observe({ reports: half, images: [SECOND], published: true }, 4)).events).toEqual([]);
  });

  it('leaves images alone that are none of the revision', async () => {
    const { events, judgements } = await observe({ reports: reports(SECOND, BOTH) });
    expect(events).toEqual([]);
    expect(judgements).toHaveLength(4);
  });
});
