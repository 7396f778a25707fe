// SPDX-License-Identifier: Apache-2.0
// Scan, findings, explain and the store on the real command line, with a mirror of the feeds that this test writes.
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { below, goDatabase, goodMirror, writeMirror } from '../src/vulnerabilities/feeds/__fixtures__/mirror.ts';
import { type CliResult, runCli } from './outside.ts';

const FIXED = '0.39.0';
let folder: string;

function oakum(...args: readonly string[]): Promise<CliResult> {
  const { PATH = '' } = process.env;
  return runCli(args, { cwd: folder, env: { PATH, HOME: folder, OAKUM_DATA: join(folder, 'data') } });
}

/** A Go database of one advisory on x/text, and all other feeds as they should be. */
async function publish(modified: string, fixed: string): Promise<void> {
  const advisory = {
    schema_version: '1.3.1',
    id: 'GO-2026-9001',
    aliases: ['CVE-2026-9001'],
    modified,
    published: '2026-07-01T00:00:00Z',
    summary: 'Infinite loop on invalid input',
    details: 'A long story.\u001b[2J',
    affected: [
      {
        package: { ecosystem: 'Go', name: 'golang.org/x/text' },
        ranges: [{ type: 'SEMVER', events: [{ introduced: '0' }, { fixed }] }],
      },
    ],
  };
  const database = below('go-vulndb', goDatabase([advisory], modified));
  await writeMirror(join(folder, 'mirror'), { ...goodMirror(), ...database });
  await oakum('feeds', 'update', '--mirror', 'mirror', '--feed', 'go,osv,debian,endoflife');
}

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-store-'));
  await publish(new Date(Date.now() - 3_600_000).toISOString(), FIXED);
  await writeFile(join(folder, 'go.mod'), 'module example.com/a\n\ngo 1.26\n\nrequire golang.org/x/text v0.38.0\n');
});
afterAll(() => rm(folder, { recursive: true }));

describe('what was scanned', () => {
  it('is nothing at first, and the commands say so', async () => {
    expect(await oakum('findings')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('nothing was scanned'),
    });
    expect((await oakum('explain', 'GO-2026-9001')).stdout).toContain('Nothing was scanned yet');
    expect(await oakum('scan', 'nothere')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/no such file, and it names no image[^]*next: Name a file/),
    });
  });

  it('is kept unless the scan says not to', async () => {
    await oakum('scan', 'go.mod', '--no-store');
    expect(await oakum('findings')).toMatchObject({ exitCode: 2 });
    await oakum('scan', 'go.mod');
    const { findings } = JSON.parse((await oakum('findings', '--json')).stdout) as { findings: object[] };
    expect(findings).toMatchObject([{ id: 'GO-2026-9001', target: 'go.mod', state: 'open', fix: FIXED }]);
  });

  it.each([
    ['csv', /^target,[^]*go\.mod[^]*GO-2026-9001[^]*,open,/],
    ['markdown', /GO-2026-9001/],
    ['sarif', /"ruleId": "GO-2026-9001"/],
    ['table', /GO-2026-9001 +CVE-2026-9001[^]*1 of 1 findings in 1 subject/],
  ])('is shown as %s', async (form, text) => {
    expect((await oakum('findings', '--format', form)).stdout).toMatch(text);
  });

  it('is shown by state and severity', async () => {
    const shown = async (...flags: readonly string[]) =>
      (JSON.parse((await oakum('findings', '--json', ...flags)).stdout) as { findings: object[] }).findings.length;
    expect([
      await shown('--state', 'not_affected'),
      await shown('--severity', 'critical'),
      await shown('--severity', 'unknown'),
    ]).toEqual([0, 0, 1]);
    expect(await oakum('findings', '--severity', 'grave')).toMatchObject({ exitCode: 2 });
    expect(await oakum('findings', '--line', '9.9')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/no image was scanned of this line/),
    });
  });

  it('is explained, without what could steer the terminal', async () => {
    const { stdout, exitCode } = await oakum('explain', 'cve-2026-9001');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(
      /^GO-2026-9001 \(CVE-2026-9001\)\nInfinite loop[^]*A long story[^]*fixed 0\.39\.0[^]*go\.mod[^]*v0\.38\.0/,
    );
    expect(stdout).not.toContain('\u001b');
  });

  it('is asked for by an id that no feed knows: near ones are named', async () => {
    expect(await oakum('explain', 'GO-2026-9000')).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('GO-2026-9001'),
    });
  });

  it('is matched again when an advisory changes', async () => {
    await publish(new Date().toISOString(), '0.38.0');
    const { matched, changes } = JSON.parse((await oakum('store', 'refresh', '--json')).stdout) as {
      matched: number;
      changes: object[];
    };
    expect({ matched, changes }).toMatchObject({ matched: 1, changes: [{ kind: 'gone', name: 'GO-2026-9001' }] });
    expect((JSON.parse((await oakum('findings', '--json')).stdout) as { findings: object[] }).findings).toEqual([]);
    expect((await oakum('store', 'status')).stdout).toMatch(/subjects +1/);
  });

  it('gives the exit code of a scan when it is matched again: whether a finding appeared, and whether feeds could tell', async () => {
    expect(await oakum('store', 'refresh')).toMatchObject({ exitCode: 0, stdout: expect.stringMatching(/ 0 changes/) });
    await publish(new Date().toISOString(), FIXED);
    const appeared = await oakum('store', 'refresh');
    expect(appeared).toMatchObject({
      exitCode: 1,
      stdout: expect.stringMatching(/new +GO-2026-9001 +golang\.org\/x\/text/),
    });
    expect((await oakum('store', 'refresh')).exitCode).toBe(0);
    await rename(join(folder, 'data/feeds/osv'), join(folder, 'data/osv-away'));
    const unchecked = await oakum('store', 'refresh');
    expect(unchecked).toMatchObject({
      exitCode: 4,
      stdout: expect.stringMatching(/Not checked:\n {2}Go packages: feed osv is missing/),
    });
    await rename(join(folder, 'data/osv-away'), join(folder, 'data/feeds/osv'));
  });

  it('is made anew from targets, and thrown away only once they are read', async () => {
    await publish(new Date().toISOString(), FIXED);
    const before = JSON.parse((await oakum('findings', '--json')).stdout) as { findings: { firstSeen: string }[] };
    expect(await oakum('store', 'rebuild', 'absent.json')).toMatchObject({ exitCode: 2 });
    expect((await oakum('store', 'status')).stdout).toMatch(/subjects +1/);
    expect((await oakum('store', 'rebuild', 'go.mod')).stdout).toMatch(/subjects +1[^]*Matched with:\n[^]*go sha256:/);
    const after = JSON.parse((await oakum('findings', '--json')).stdout) as typeof before;
    const timeless = ({ findings }: typeof before) => findings.map((one) => ({ ...one, firstSeen: '' }));
    expect(timeless(after)).toEqual(timeless(before));
    expect(after.findings).toHaveLength(1);
  });

  it('is explained by what the store has when the feeds are gone', async () => {
    await rm(join(folder, 'data', 'feeds'), { recursive: true });
    const { stdout, exitCode } = await oakum('explain', 'GO-2026-9001');
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/no feed on this machine[^]*go\.mod[^]*introduced 0, fixed 0\.39\.0[^]*go: missing/);
    expect((await oakum('findings')).stdout).toMatch(/GO-2026-9001[^]*Not checked:\n.*feed go is missing/);
  });
});
