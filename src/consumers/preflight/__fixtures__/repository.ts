// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type ChannelTraits, preflight, type PreflightReport } from '#consumers';

/** The channels of the tests. */
export const FIPS: ChannelTraits = { name: 'fips', crypto: 'fips140', git: false, gpg: false };
export const DISTROLESS: ChannelTraits = { name: 'distroless', crypto: 'none', git: false, gpg: false };
export const STANDARD: ChannelTraits = { name: 'standard', crypto: 'none', git: true, gpg: true };

/** A folder that is gone after the test. */
export async function temporaryFolder(): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'oakum-preflight-'));
  return { path, [Symbol.asyncDispose]: async () => rm(path, { recursive: true, force: true }) };
}

/** Writes files, by their paths. */
export async function writeFiles(folder: string, files: Readonly<Record<string, string | Uint8Array>>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

/** Looks at a repository of these files. */
export async function look(
  files: Readonly<Record<string, string | Uint8Array>>,
  channel: ChannelTraits = FIPS,
  target = '2.9',
): Promise<PreflightReport> {
  await using folder = await temporaryFolder();
  await writeFiles(folder.path, files);
  return await preflight(folder.path, { channel, target });
}

/** Gives findings as `file:line:column level rule`. */
export function lines({ findings }: Pick<PreflightReport, 'findings'>): readonly string[] {
  return findings.map(({ place, level, rule }) => `${place.file}:${place.line}:${place.column} ${level} ${rule}`);
}

const blob = (...fields: readonly (string | Buffer)[]) =>
  Buffer.concat(
    fields.map((field) => {
      const bytes = Buffer.from(field);
      const length = Buffer.alloc(4);
      length.writeUInt32BE(bytes.length);
      return Buffer.concat([length, bytes]);
    }),
  );

/** A line of known_hosts with a made-up key of a type; RSA keys have a modulus of so many bits. */
export function knownHost(type: string, bits = 3072): string {
  const modulus = Buffer.concat([Buffer.from([0, 0x80]), Buffer.alloc(bits / 8 - 1, 1)]);
  const key = type === 'ssh-rsa' ? blob(type, Buffer.from([1, 0, 1]), modulus) : blob(type, Buffer.alloc(32, 7));
  return `git.example.com ${type} ${key.toString('base64')}`;
}

/** The `sops` member of an encrypted YAML file with keys of these types. */
export function sopsYaml(...types: readonly string[]): string {
  const mac = 'mac: ENC[AES256_GCM,data:AAAA,iv:AAAA,tag:AAAA,type:str]';
  return `sops:\n${types.map((type) => `  ${type}:\n    - enc: AAAA\n`).join('')}  ${mac}\n  version: 3.13.2\n`;
}
