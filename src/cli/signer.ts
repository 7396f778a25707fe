// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { OakumError, type Report } from '#core';
import {
  createKeylessSigner,
  createKeySigner,
  createKmsSigner,
  findTokenSource,
  formatPublicKey,
  openAwsKms,
  openLocalKey,
  parseAwsKeyReference,
  PUBLIC_SIGSTORE,
  readPrivateKey,
  type Signer,
  type WitnessOptions,
} from '#evidence';
import type { World } from './world.ts';

/** Flags that choose who signs and who witnesses. */
export interface SigningFlags {
  /** False for --no-sign. */
  readonly sign: boolean;
  readonly key?: string;
  readonly fulcioUrl?: string;
  readonly rekorUrl?: string;
  readonly tsaUrl?: string;
  readonly cosignV2Tags?: boolean;
}

/** Gives who signs, as {@link requireSigner} does; undefined for --no-sign. */
export async function openSigner(flags: SigningFlags, world: World, report: Report): Promise<Signer | undefined> {
  return flags.sign ? requireSigner(flags, world, report) : undefined;
}

/**
 * Gives who signs: the key that --key names (a file, or `awskms://`), else the identity of an ambient token, else this
 * machine's own key, which the first use makes. Throws what reading a key throws.
 */
export async function requireSigner(flags: Omit<SigningFlags, 'sign'>, world: World, report: Report): Promise<Signer> {
  const witnesses = witnessesOf(flags, world);
  if (flags.key !== undefined) return namedSigner(flags.key, world, witnesses);
  const keyless = await findKeylessSigner(flags, world);
  if (keyless !== undefined) return keyless;
  const key = await openLocalKey(world.stateFolder);
  if (key.created) {
    report({
      kind: 'note',
      message: `made a key pair to sign with: ${key.path}; others verify with ${key.publicPath} (\`oakum key public\`)`,
    });
  }
  return createKeySigner(key.privateKey, witnesses);
}

/** Gives who signs by the identity of an ambient token; undefined where there is none. */
export async function findKeylessSigner(
  flags: Omit<SigningFlags, 'sign' | 'key'>,
  { env, http, run, clock }: World,
): Promise<Signer | undefined> {
  const tokens = await findTokenSource({ env, http, run, readFile: readIfThere });
  if (tokens === undefined) return undefined;
  const urls = { fulcioUrl: flags.fulcioUrl ?? PUBLIC_SIGSTORE.fulcioUrl, ...urlsOf(flags) };
  const witnessed = flags.rekorUrl !== undefined || flags.tsaUrl !== undefined;
  return createKeylessSigner({ http, clock, tokens, ...(witnessed ? {} : PUBLIC_SIGSTORE), ...urls });
}

function urlsOf(flags: Omit<SigningFlags, 'sign' | 'key'>): { rekorUrl?: string; tsaUrl?: string } {
  return {
    ...(flags.rekorUrl === undefined ? {} : { rekorUrl: flags.rekorUrl }),
    ...(flags.tsaUrl === undefined ? {} : { tsaUrl: flags.tsaUrl }),
  };
}

function witnessesOf(flags: Omit<SigningFlags, 'sign'>, world: World): WitnessOptions | undefined {
  const urls = urlsOf(flags);
  return Object.keys(urls).length === 0 ? undefined : { http: world.http, ...urls };
}

async function namedSigner(name: string, world: World, witnesses: WitnessOptions | undefined): Promise<Signer> {
  if (name.startsWith('awskms://')) return createKmsSigner(openKms(name, world), witnesses);
  return createKeySigner(await readKeyFile(name, world), witnesses);
}

/** Gives the public half of the key that a name (a file, or `awskms://`) stands for. */
export async function publicKeyNamed(name: string, world: World): Promise<KeyObject> {
  if (name.startsWith('awskms://')) return openKms(name, world).publicKey();
  return createPublicKey(await readKeyFile(name, world));
}

/** Gives the public half, PEM, of the key that a name stands for, else of this machine's own key. Throws where that is yet to be made. */
export async function publicKeyOf(key: string | undefined, world: World): Promise<string> {
  if (key === undefined) return formatPublicKey((await openLocalKey(world.stateFolder, { create: false })).privateKey);
  return formatPublicKey(await publicKeyNamed(key, world));
}

/** The password of key files, as the environment has it. */
export function passwordOf({ env }: World): string | undefined {
  return env['OAKUM_KEY_PASSWORD'] ?? env['COSIGN_PASSWORD'];
}

async function readKeyFile(name: string, world: World): Promise<KeyObject> {
  const where = resolve(world.workingFolder, name);
  const bytes = await readFile(where).catch(() => undefined);
  if (bytes === undefined) {
    throw new OakumError('usage', 'KEY_MISSING', "the key file can't be read", {
      where,
      hint: 'Make one with `oakum key generate`.',
    });
  }
  const password = passwordOf(world);
  return readPrivateKey(bytes, { where, ...(password === undefined ? {} : { password }) });
}

function openKms(name: string, world: World): ReturnType<typeof openAwsKms> {
  const { env, http, clock } = world;
  const reference = parseAwsKeyReference(name);
  const region = reference?.region ?? env['AWS_REGION'] ?? env['AWS_DEFAULT_REGION'];
  const [accessKeyId, secretAccessKey, sessionToken] = [
    env['AWS_ACCESS_KEY_ID'],
    env['AWS_SECRET_ACCESS_KEY'],
    env['AWS_SESSION_TOKEN'],
  ];
  if (reference === undefined) {
    throw new OakumError('usage', 'KEY_INVALID', `"${name}" names no key`, {
      hint: "Write awskms:///alias/NAME, or awskms:/// and the key's ARN.",
    });
  }
  if (region === undefined || accessKeyId === undefined || secretAccessKey === undefined) {
    throw new OakumError('usage', 'KMS_SETTINGS_MISSING', 'AWS KMS needs a region and credentials', {
      hint: 'Set AWS_REGION, AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (and AWS_SESSION_TOKEN where they are temporary).',
    });
  }
  const endpoint = env['AWS_ENDPOINT_URL_KMS'] ?? env['AWS_ENDPOINT_URL'] ?? reference.endpoint;
  return openAwsKms({
    http,
    clock,
    keyId: reference.keyId,
    region,
    credentials: { accessKeyId, secretAccessKey, ...(sessionToken === undefined ? {} : { sessionToken }) },
    ...(endpoint === undefined ? {} : { endpoint }),
  });
}

async function readIfThere(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').catch(() => undefined);
}
