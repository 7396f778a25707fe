// SPDX-License-Identifier: Apache-2.0
import { createPublicKey, type KeyObject } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, resolve } from 'node:path';
import { type Digest, digestOf, messageOf } from '#core';
import { type Fault, inFileOrder, type LocatedYaml, locateYaml, toFaults } from '#formats';
import { EvidenceError } from '../error.ts';
import { predicateTypesOf } from './predicate-names.ts';
import { type PolicyFile, policySchema } from './policy-schema.ts';
import { formatMatch, isAnchored, type TextMatch, toTextMatch } from './text-match.ts';

/** What must prove when something was signed. */
export type Transparency = 'log' | 'timestamp' | 'none';

/** Somebody who may sign. `signs` is what it is believed for: `signature` and predicate types; undefined is everything. */
export type Identity = {
  readonly name: string;
  readonly transparency: Transparency;
  readonly signs: readonly string[] | undefined;
} & (
  | { readonly kind: 'key'; readonly key: KeyObject; readonly fingerprint: Digest }
  | {
      readonly kind: 'certificate';
      readonly identity: TextMatch;
      readonly issuer: TextMatch;
      readonly certificateLog: boolean;
    }
);

/** Predicate types of which one is needed, and how reports call them. */
export interface AttestationDemand {
  readonly name: string;
  readonly types: readonly string[];
}

/** What the SLSA provenance must say. */
export interface SlsaDemand {
  readonly builders: readonly { readonly id: TextMatch; readonly level: number }[];
  readonly minimumLevel: number;
  readonly source:
    | {
        readonly repository: TextMatch;
        readonly commit: string | undefined;
        readonly ref: TextMatch | undefined;
      }
    | undefined;
}

/** What an image must have to be trusted. */
export interface Requirements {
  readonly signature: 'root' | 'each' | 'none';
  readonly attestations: readonly AttestationDemand[];
  readonly slsa: SlsaDemand | undefined;
  readonly sbom: 'present' | 'matches' | undefined;
  readonly embedded: boolean;
  readonly maximumAgeMilliseconds: number | undefined;
}

/** Who is believed, and for what an image needs to be trusted. */
export interface Policy {
  /** The file and the digest of its bytes; for flags, a description and the digest of what they say. */
  readonly uri: string;
  readonly digest: Digest;
  readonly identities: readonly Identity[];
  /** The JSON of a Sigstore trusted root, `public` for the public-good instance, undefined for none. */
  readonly trustedRoot: unknown;
  readonly require: Requirements;
  readonly platforms: readonly string[] | undefined;
  /** What is allowed but risky, such as expressions that are not anchored. */
  readonly warnings: readonly string[];
}

const MOST_BYTES = 1 << 20;
const HINT = 'schema/policy.schema.json describes the format, docs/evidence-verify.md explains it.';

/**
 * Reads a policy file and the keys and trusted root it names; `trustedRoot` is another file in place of that root. Throws
 * `POLICY_UNREADABLE`, or `POLICY_INVALID` with every fault at once.
 */
export async function readPolicy(file: string, options: { readonly trustedRoot?: string } = {}): Promise<Policy> {
  const text = await readSmall(file, 'the policy');
  const read = (path: string) => readSmall(resolve(dirname(file), path), 'a file that the policy names');
  return parsePolicy(text, file, { read, ...options });
}

/** How {@link parsePolicy} reads the files that a policy names, and a root in place of the one it names. */
export interface PolicyFiles {
  readonly read: (path: string) => Promise<string>;
  readonly trustedRoot?: string;
}

/**
 * Takes a policy's text, the name to show for it, and how to read the files it names. Gives the policy; throws
 * `POLICY_INVALID` with every fault at once, each with file, line and column.
 */
export async function parsePolicy(text: string, file: string, { read, trustedRoot }: PolicyFiles): Promise<Policy> {
  const located = locateYaml(text, file);
  if (located.faults.length > 0) throw invalid(located.faults);
  const parsed = policySchema.safeParse(located.value);
  if (!parsed.success) throw invalid(inFileOrder(toFaults(located, parsed.error)));
  const value = trustedRoot === undefined ? parsed.data : { ...parsed.data, trustedRoot };
  return settle(value, { located, read, uri: basename(file), digest: digestOf(text) });
}

interface Origin {
  readonly located?: LocatedYaml;
  readonly read: (path: string) => Promise<string>;
  readonly uri: string;
  readonly digest: Digest;
}

/** Takes a checked policy file's value; gives the policy with its keys and root read. Throws `POLICY_INVALID`. */
export async function settle(value: PolicyFile, { located, read, uri, digest }: Origin): Promise<Policy> {
  const faults: Fault[] = [];
  const where = (path: readonly PropertyKey[]) => located?.where(path) ?? uri;
  const attempt = async <T>(path: readonly PropertyKey[], work: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await work();
    } catch (error) {
      faults.push({ where: where(path), message: `${path.map(String).join('.')}: ${messageOf(error)}` });
      return undefined;
    }
  };
  const identities = await Promise.all(
    value.identities.map((entry, index) => {
      const path = ['identities', index, ...(entry.key === undefined ? [] : ['key'])];
      return attempt(path, () => toIdentity(entry, read));
    }),
  );
  const root = value.trustedRoot;
  const trustedRoot =
    root === undefined || root === 'public'
      ? root
      : await attempt(['trustedRoot'], async () => toTrustedRoot(await read(root)));
  if (root === undefined) {
    for (const [index, entry] of value.identities.entries()) {
      const needs = transparencyOf(entry) !== 'none';
      if (!needs) continue;
      faults.push({
        where: where(['identities', index]),
        message: `identities.${index}: checking a ${entry.key === undefined ? 'certificate' : 'transparency proof'} needs a trustedRoot (a file, or "public")`,
      });
    }
  }
  const require = toRequirements(value);
  if (demandsNothing(require)) {
    faults.push({ where: where(['require']), message: 'require: nothing is required, so anything would be trusted' });
  }
  if (faults.length > 0) throw invalid(inFileOrder(faults));
  return {
    uri,
    digest,
    identities: identities.filter((identity) => identity !== undefined),
    trustedRoot,
    require,
    platforms: value.platforms,
    warnings: warningsOf(value),
  };
}

type IdentityEntry = PolicyFile['identities'][number];

async function toIdentity(entry: IdentityEntry, read: Origin['read']): Promise<Identity> {
  const signs = entry.signs?.flatMap((name) => predicateTypesOf(name));
  const shared = { transparency: transparencyOf(entry), signs };
  if (entry.key !== undefined) {
    const key = toPublicKey(await read(entry.key));
    const fingerprint = digestOf(key.export({ type: 'spki', format: 'der' }));
    return { ...shared, kind: 'key', name: entry.name ?? `key ${basename(entry.key)}`, key, fingerprint };
  }
  const identity = toTextMatch(entry.identity, entry.identityPattern);
  const issuer = toTextMatch(entry.issuer, entry.issuerPattern);
  if (identity === undefined || issuer === undefined) throw new Error('names neither a key nor an identity and issuer');
  return {
    ...shared,
    kind: 'certificate',
    name: entry.name ?? formatMatch(identity),
    identity,
    issuer,
    certificateLog: entry.certificateLog ?? true,
  };
}

function transparencyOf(entry: IdentityEntry): Transparency {
  return entry.transparency ?? (entry.key === undefined ? 'log' : 'none');
}

function toPublicKey(pem: string): KeyObject {
  if (/-----BEGIN [A-Z ]*PRIVATE KEY-----/.test(pem)) {
    throw new Error('this is a private key; name its public half');
  }
  if (!pem.includes('-----BEGIN PUBLIC KEY-----')) throw new Error('no public key in PEM ("BEGIN PUBLIC KEY")');
  return createPublicKey(pem);
}

function toTrustedRoot(text: string): unknown {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw new Error('no Sigstore trusted root: not a JSON object');
}

function toRequirements({ require }: PolicyFile): Requirements {
  const { slsa } = require;
  return {
    signature: require.signature,
    attestations: require.attestations.map((name) => ({ name, types: predicateTypesOf(name) })),
    slsa: slsa === undefined ? undefined : toSlsaDemand(slsa),
    sbom: require.sbom,
    embedded: require.embedded,
    maximumAgeMilliseconds: require.maximumAge === undefined ? undefined : toMilliseconds(require.maximumAge),
  };
}

function demandsNothing(require: Requirements): boolean {
  const { signature, attestations, slsa, sbom } = require;
  return signature === 'none' && attestations.length === 0 && slsa === undefined && sbom === undefined;
}

function toSlsaDemand(slsa: NonNullable<PolicyFile['require']['slsa']>): SlsaDemand {
  const { source } = slsa;
  const repository = toTextMatch(source?.repository, source?.repositoryPattern);
  return {
    builders: slsa.builders.flatMap(({ id, idPattern, level }) => {
      const match = toTextMatch(id, idPattern);
      return match === undefined ? [] : [{ id: match, level }];
    }),
    minimumLevel: slsa.minimumLevel,
    source:
      repository === undefined
        ? undefined
        : { repository, commit: source?.commit, ref: toTextMatch(undefined, source?.refPattern) },
  };
}

function toMilliseconds(span: string): number {
  const hours = Number(span.slice(0, -1)) * (span.endsWith('d') ? 24 : 1);
  return hours * 3_600_000;
}

function warningsOf(value: PolicyFile): string[] {
  const patterns = [
    ...value.identities.flatMap(({ identityPattern, issuerPattern }) => [identityPattern, issuerPattern]),
    ...(value.require.slsa?.builders.map(({ idPattern }) => idPattern) ?? []),
    value.require.slsa?.source?.repositoryPattern,
    value.require.slsa?.source?.refPattern,
  ];
  return patterns
    .filter((source) => source !== undefined && !isAnchored(source))
    .map(
      (source) =>
        `the expression ${JSON.stringify(source)} is not anchored with ^ and $: Oakum makes it span the whole text, cosign would accept it anywhere inside`,
    );
}

async function readSmall(file: string, what: string): Promise<string> {
  try {
    if ((await stat(file)).size > MOST_BYTES) throw new Error(`larger than ${MOST_BYTES} bytes`);
    return await readFile(file, 'utf8');
  } catch (error) {
    throw new EvidenceError('POLICY_UNREADABLE', `${what} can't be read: ${messageOf(error)}`, { where: file });
  }
}

function invalid(faults: readonly Fault[]): EvidenceError {
  const [first] = faults;
  if (faults.length === 1 && first !== undefined) {
    return new EvidenceError('POLICY_INVALID', first.message, { where: first.where, hint: HINT });
  }
  const list = faults.map((one) => `  ${one.where}: ${one.message}`).join('\n');
  return new EvidenceError('POLICY_INVALID', `${faults.length} faults:\n${list}`, { hint: HINT });
}
