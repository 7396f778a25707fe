// SPDX-License-Identifier: Apache-2.0
// Handshakes of the real source-controller, of the standard and of the FIPS channel, with servers that each offer one thing. It uses the
// machine's own cache, since an API server takes minutes to compile the first time.
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { digestOf } from '#core';
import { cosignVerifyBlob } from '../judges.ts';
import { type CliResult, runCli } from '../outside.ts';

const MINOR = '1.36';
const DEFINITION = resolve(import.meta.dirname, '../../distribution.yaml');
const TYPE = 'https://oakum.dev/handshakes/v1';

/** A record as `--json` prints it. */
interface Record {
  readonly channel: string;
  readonly crypto: string;
  readonly verdict: string;
  readonly digest: string;
  readonly steps: readonly { readonly verdict: string }[];
  readonly handshakes: readonly {
    readonly protocol: string;
    readonly name: string;
    readonly expected: string;
    readonly seen: string;
    readonly detail: string;
  }[];
  readonly says: {
    readonly tls?: { readonly keyExchanges: readonly string[]; readonly cipherSuites: readonly string[] };
    readonly ssh?: { readonly keyExchanges: readonly string[]; readonly ciphers: readonly string[] };
  };
  readonly logs: Readonly<{ [name: string]: string }>;
}

let folder: string;
const keptIn = (channel: string, name: string) => join(folder, 'out/handshakes/2.9.2-r0', channel, name);

function oakum(...args: readonly string[]): Promise<CliResult> {
  const env = Object.fromEntries(
    Object.entries(process.env).flatMap(([name, value]) => (value ? [[name, value]] : [])),
  );
  return runCli([...args], { cwd: folder, env: { ...env, CI: 'true', OAKUM_DATA: join(folder, 'data') } });
}

function read(done: CliResult): readonly Record[] {
  expect(done.stdout, done.stderr).not.toBe('');
  return JSON.parse(done.stdout) as readonly Record[];
}

const unfit = ({ handshakes }: Record) => handshakes.filter(({ seen, expected }) => seen !== expected);

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'oakum-handshakes-'));
  await writeFile(join(folder, 'distribution.yaml'), await readFile(DEFINITION));
  await writeFile(join(folder, 'oakum.lock'), await readFile(join(DEFINITION, '../oakum.lock')));
  const only = ['--channel', 'distroless,fips', '--component', 'source-controller', '--platform', 'linux/amd64'];
  const released = await oakum('release', '2.9.2', ...only, '--locked');
  expect(released.stderr + released.stdout).toContain('Revision 2.9.2-r0');
}, 120 * 60_000);
afterAll(() => rm(folder, { recursive: true, force: true }));

describe('oakum fips handshakes', () => {
  it('finds that each channel takes and refuses what its crypto mode says', { timeout: 60 * 60_000 }, async () => {
    const done = await oakum('fips', 'handshakes', '2.9.2', '--kubernetes', MINOR, '--attach', '--json');
    const records = read(done);
    expect(records.map(({ channel, crypto }) => [channel, crypto])).toEqual([
      ['distroless', 'none'],
      ['fips', 'fips140'],
    ]);
    expect(records.flatMap(unfit)).toEqual([]);
    expect(done.exitCode).toBe(0);
    const [standard, fips] = records as [Record, Record];
    for (const { handshakes, steps } of records) {
      expect(handshakes.length).toBeGreaterThan(70); // none is left out
      expect(steps.map(({ verdict }) => verdict)).toEqual(['passed', 'passed']);
    }
    const answers = ({ handshakes }: Record) => handshakes.map(({ seen }) => seen);
    expect(answers(standard)).not.toEqual(answers(fips));
    expect(standard.says.tls?.keyExchanges).toContain('X25519');
    expect(fips.says.tls?.keyExchanges).not.toContain('X25519');
    expect(fips.says.tls?.cipherSuites.join(' ')).not.toMatch(/CHACHA20|CBC|TLS_RSA_/);
    expect(fips.says.ssh?.ciphers.join(' ')).not.toMatch(/chacha20|cbc/);
  });

  it('keeps record and logs, and signs what cosign believes about the image', async () => {
    const record = JSON.parse(readFileSync(keptIn('fips', 'handshakes.json'), 'utf8')) as Record;
    const bundle = keptIn('fips', 'attestation.sigstore.json');
    expect(digestOf(readFileSync(bundle))).toBe(record.digest);
    for (const [name, digest] of Object.entries(record.logs))
      expect(digestOf(readFileSync(keptIn('fips', name)))).toBe(digest);
    await writeFile(join(folder, 'oakum.pub'), (await oakum('key', 'public')).stdout);
    const { channels } = JSON.parse(readFileSync(join(folder, 'out/release.json'), 'utf8')) as {
      channels: Readonly<{ [channel: string]: { readonly images: readonly { readonly digest: string }[] } }>;
    };
    const blobOf = (channel: string) =>
      join(folder, 'out/oci/blobs/sha256', channels[channel]?.images[0]?.digest.slice('sha256:'.length) ?? '');
    const verify = (blob: string) => cosignVerifyBlob(blob, { bundle, type: TYPE, folder });
    expect(await verify(blobOf('fips'))).toMatchObject({ status: 0 });
    expect((await verify(blobOf('distroless'))).status).not.toBe(0);
    const attached = await oakum('inspect', 'oci:out/oci:fips/source-controller:v1.9.3-r0', '--json');
    expect(attached.stdout).toContain(TYPE);
  });

  it('fails a channel that is said to be FIPS and is not', { timeout: 20 * 60_000 }, async () => {
    const definition = join(folder, 'distribution.yaml');
    const text = await readFile(definition, 'utf8');
    await writeFile(definition, text.replace('  distroless:\n', '  distroless:\n    crypto: fips140\n'));
    const done = await oakum(
      'fips',
      'handshakes',
      '2.9.2',
      '--kubernetes',
      MINOR,
      '--channel',
      'distroless',
      '--out',
      'other',
    );
    expect(done.stdout).toContain('TLS key exchange X25519: must be refused, is accepted');
    expect(done.stdout).toMatch(/SSH key exchange curve25519-sha256: must be refused, is accepted/);
    expect(done.stdout).toMatch(/^distroless: failed/m);
    expect(done.exitCode).toBe(1);
  });
});
