// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { type Digest, digestOf, isDigest, messageOf, type Platform, PLATFORMS, replaceFile } from '#core';
import { inFileOrder, locateYaml, readableJson, toFaults } from '#formats';
import { DefinitionError } from './error.ts';

const digest = z.custom<Digest>((value) => typeof value === 'string' && isDigest(value), 'must be a sha256 digest');
const hash1 = z.string().regex(/^h1:[A-Za-z0-9+/]{43}=$/, 'must be an h1 hash, as in go.sum');
const time = z.iso.datetime();

const proof = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('checksum-database'), database: z.string(), recordId: z.int(), treeSize: z.int() }),
  z.strictObject({
    kind: z.literal('exempted'),
    exemption: z.string(),
    database: z.enum(['lacks-module', 'not-asked']),
  }),
]);

const module = z.strictObject({ path: z.string(), version: z.string(), zipHash: hash1, modHash: hash1, proof });

const origin = z.strictObject({ url: z.string(), commit: z.string(), ref: z.string().optional() });

const component = z.strictObject({
  module,
  time: time.describe('When the commit was made; the epoch of the binary layer and the config.'),
  origin: origin.optional(),
  nested: z
    .array(module.extend({ folder: z.string() }))
    .describe('Modules laid into the source where a local replace wants them.'),
});

const basePackage = z.strictObject({
  name: z.string(),
  version: z.string(),
  architecture: z.string(),
  source: z.strictObject({ name: z.string(), version: z.string() }),
  suite: z.string(),
  path: z.string(),
  size: z.int(),
  sha256: digest,
});

const baseRelease = z.strictObject({
  suite: z.string(),
  codename: z.string(),
  date: time,
  validUntil: time.optional(),
  inRelease: digest,
  signers: z.array(z.string()),
});

const imagePlatform = z.strictObject({
  manifest: z.strictObject({ mediaType: z.string(), digest, size: z.int() }),
  distribution: z.strictObject({ id: z.string(), versionId: z.string(), codename: z.string().optional() }),
  packages: z
    .array(
      z.strictObject({
        kind: z.enum(['deb', 'apk', 'rpm']),
        name: z.string(),
        version: z.string(),
        architecture: z.string(),
        source: z.strictObject({ name: z.string(), version: z.string() }),
      }),
    )
    .describe('What it lists as installed.'),
});

const baseImage = z.strictObject({
  reference: z.string().describe('As the definition names it.'),
  digest: digest.describe('Of the index or manifest that the reference meant.'),
  verified: digest.optional().describe('Of the policy and keys by which its signature was believed.'),
  platforms: z.partialRecord(z.enum(PLATFORMS), imagePlatform),
});

const alpinePlatform = z.strictObject({
  indexes: z.array(
    z.strictObject({
      repository: z.string(),
      architecture: z.string(),
      tag: z.string().optional(),
      description: z.string(),
      date: time,
      index: digest,
      signers: z.array(z.string()),
    }),
  ),
  packages: z
    .array(
      z.strictObject({
        name: z.string(),
        version: z.string(),
        architecture: z.string(),
        origin: z.string(),
        commit: z.string(),
        path: z.string().describe('On any mirror, or a whole address.'),
        size: z.int(),
        checksum: z.string().describe('By which the index names it.'),
        sha256: digest,
      }),
    )
    .describe('In the order in which apk installs them.'),
});

const baseAlpine = z.strictObject({
  branch: z.string(),
  repositories: z.array(z.string()),
  world: z.array(z.string()).describe('The packages that the definition names, sorted.'),
  platforms: z.partialRecord(z.enum(PLATFORMS), alpinePlatform),
});

const base = z.strictObject({
  releases: z.array(baseRelease),
  packages: z.partialRecord(z.enum(PLATFORMS), z.array(basePackage)),
  alpine: baseAlpine.optional().describe('For a base of Alpine packages; it has none of Debian.'),
  image: baseImage.optional().describe('For a base that is an image; it has no releases and packages of its own.'),
});

const cause = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('floor') }),
  z.strictObject({ kind: z.literal('required'), by: z.string() }),
  z.strictObject({ kind: z.literal('imported'), package: z.string() }),
  z.strictObject({ kind: z.literal('avoids'), version: z.string(), reason: z.string() }),
]);

const overlay = z.strictObject({
  requires: z
    .array(
      z.strictObject({
        path: z.string(),
        from: z.string().optional(),
        to: z.string(),
        indirect: z.boolean(),
        cause,
        findings: z.array(z.string()).describe('What it fixes.'),
      }),
    )
    .describe('Changed requirements of go.mod.'),
  go: z.strictObject({ from: z.string(), to: z.string(), by: z.string() }).optional(),
  sums: z
    .array(z.strictObject({ path: z.string(), version: z.string(), zipHash: hash1.optional(), modHash: hash1, proof }))
    .describe('Lines that go.sum gains.'),
  goMod: digest.describe('Of the edited go.mod.'),
  goSum: digest.describe('Of the edited go.sum.'),
  patches: z.array(z.strictObject({ file: z.string(), digest })).describe('Patch files, in the order they apply.'),
  treeHash: hash1.optional().describe('Over all files of the source once everything is applied.'),
});

const revision = z.strictObject({
  release: z.string(),
  predecessor: z.string().describe('The revision it takes the place of.'),
  toolchain: z.string(),
  components: z.record(z.string(), overlay).describe('What is laid over the sources of the release.'),
  bases: z.record(z.string(), base).optional().describe('Bases that differ from the predecessor.'),
  staying: z
    .array(
      z.strictObject({
        component: z.string(),
        id: z.string(),
        ecosystem: z.string(),
        package: z.string(),
        version: z.string(),
        reason: z.string(),
      }),
    )
    .describe('Findings that are known and not fixed, and why.'),
});

const apiServer = z.strictObject({
  module,
  time,
  origin: origin.optional(),
  treeHash: hash1.describe(
    'Over all files of the source, its staging modules required at the versions they are published as.',
  ),
  passedOver: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('Newer patches, newest first, of which the proxies did not serve every part when this one was chosen.'),
});

const lockSchema = z.strictObject({
  version: z.literal(1),
  compressor: z.string().describe('The build of the compressor for which compressed digests hold.'),
  toolchains: z.record(z.string(), z.partialRecord(z.enum(PLATFORMS), module)),
  bases: z.record(z.string(), base),
  buildRoot: base
    .omit({ image: true })
    .optional()
    .describe('The C compiler and library that BoringCrypto is linked with, by the machine that compiles.'),
  releases: z.record(z.string(), z.strictObject({ flux: module, components: z.record(z.string(), component) })),
  revisions: z.record(z.string(), revision).optional().describe('Patched revisions of the releases, like 2.9.2-r1.'),
  tools: z.record(z.string(), module).optional().describe('Programs that analyse and render; no image holds them.'),
  kubernetes: z
    .record(z.string(), apiServer)
    .optional()
    .describe('API servers that revisions are tested on, by Kubernetes minor; no image holds them.'),
});

/** How the lock writes a Go module, the folder it is nested in, a base and a digest; the release document writes them in the same way. */
export const LOCK_SHAPES = { digest, module, nested: module.extend({ folder: z.string() }), base } as const;

/** The content of oakum.lock: every source, toolchain and package with its hash. */
export type Lock = z.output<typeof lockSchema>;

/** A Go module as the lock holds it. */
export type LockedModule = z.output<typeof module>;

/** The source of an API server as the lock holds it. */
export type LockedApiServer = z.output<typeof apiServer>;

/** A component of a release as the lock holds it. */
export type LockedComponent = z.output<typeof component>;

/** A base as the lock holds it, for one or more platforms. */
export type LockedBase = z.output<typeof base>;

/** A release as the lock holds it. */
export type LockedRelease = Lock['releases'][string];

/** A patched revision as the lock holds it. */
export type LockedRevision = z.output<typeof revision>;

/** What a patched revision lays over one component's source. */
export type LockedOverlay = z.output<typeof overlay>;

/** What every package of a base has, whatever it is made from. */
export interface BasePackage {
  readonly kind: 'deb' | 'apk' | 'rpm';
  readonly name: string;
  readonly version: string;
  readonly architecture: string;
  readonly source: { readonly name: string; readonly version: string };
}

/** Gives the packages of a base by platform: those it is composed from, or those that its image lists. */
export function packagesOfBase({
  packages,
  alpine,
  image,
}: Pick<LockedBase, 'packages' | 'alpine' | 'image'>): Readonly<Partial<Record<Platform, readonly BasePackage[]>>> {
  const lists = PLATFORMS.flatMap((platform) => {
    const debs = packages[platform]?.map((one) => ({ ...one, kind: 'deb' as const }));
    const apks = alpine?.platforms[platform]?.packages.map((one) => ({
      ...one,
      kind: 'apk' as const,
      source: { name: one.origin, version: one.version },
    }));
    const list = image?.platforms[platform]?.packages ?? apks ?? debs;
    return list === undefined ? [] : [[platform, list] as const];
  });
  return Object.fromEntries(lists);
}

/** Gives a lock that holds nothing yet. */
export function emptyLock(compressor: string): Lock {
  return { version: 1, compressor, toolchains: {}, bases: {}, releases: {} };
}

/** Takes a definition's path; gives the path of the lock beside it. */
export function lockFileOf(definitionFile: string): string {
  return join(dirname(definitionFile), 'oakum.lock');
}

/** Reads a lock; undefined where there is none. Throws {@link DefinitionError} with every fault and its place. */
export async function readLock(file: string): Promise<Lock | undefined> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw new DefinitionError('LOCK_UNREADABLE', [
      { where: file, message: `the lock can't be read: ${messageOf(error)}` },
    ]);
  }
  return parseLock(text, file);
}

/** Takes a lock's text (JSON) and the name to show for it; gives it checked, or throws `LOCK_INVALID`. */
export function parseLock(text: string, file: string): Lock {
  const hint =
    'A lock is written by `oakum lock`, not by hand: take it back from version control, or delete it and run `oakum lock`.';
  try {
    const parsed = lockSchema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
    throw new DefinitionError('LOCK_INVALID', inFileOrder(toFaults(locateYaml(text, file), parsed.error)), hint);
  } catch (error) {
    if (error instanceof DefinitionError) throw error;
    const located = locateYaml(text, file); // for the place: JSON.parse gives none that holds across Node releases
    const faults =
      located.faults.length > 0 ? located.faults : [{ where: file, message: `not JSON: ${messageOf(error)}` }];
    throw new DefinitionError('LOCK_INVALID', faults, hint);
  }
}

/** Gives a lock's one text: sorted keys, two spaces, a newline at the end. */
export function formatLock(lock: Lock): string {
  return readableJson(lock);
}

/** Gives the part of a lock that one release uses, so that its digest does not change when the lock gains another. */
export function lockOfRelease(
  lock: Lock,
  used: {
    readonly release: string;
    readonly toolchain: string;
    readonly bases: readonly string[];
    /** Whether a C compiler was needed. */
    readonly compiler?: boolean;
    readonly revision?: string;
  },
): Lock {
  const pick = <T>(record: Record<string, T>, names: readonly string[]) =>
    Object.fromEntries(Object.entries(record).filter(([name]) => names.includes(name)));
  const { revisions, buildRoot, tools: _tools, kubernetes: _kubernetes, ...rest } = lock; // the last two leave no byte in an image
  const revised = pick(revisions ?? {}, used.revision === undefined ? [] : [used.revision]);
  return {
    ...rest,
    ...(Object.keys(revised).length === 0 ? {} : { revisions: revised }),
    ...(used.compiler === true && buildRoot !== undefined ? { buildRoot } : {}),
    toolchains: pick(lock.toolchains, [used.toolchain]),
    bases: pick(lock.bases, used.bases),
    releases: pick(lock.releases, [used.release]),
  };
}

/** Gives the digest of a lock's text. */
export function digestOfLock(lock: Lock): Digest {
  return digestOf(formatLock(lock));
}

/** Writes a lock in one piece. */
export async function writeLock(file: string, lock: Lock): Promise<void> {
  await replaceFile(file, formatLock(lock));
}

/** Writes a lock that was made from another one, where the file still holds that one: what somebody else has written must not get lost. Throws `LOCK_CHANGED`. */
export async function replaceLock(file: string, known: Lock | undefined, lock: Lock): Promise<void> {
  const now = await readLock(file);
  const digest = (one: Lock | undefined) => one && digestOfLock(one);
  if (digest(now) === digest(known)) return writeLock(file, lock);
  throw new DefinitionError(
    'LOCK_CHANGED',
    [{ where: file, message: 'the lock was changed in the meantime; it is left as it is' }],
    'Run again: what was compiled and tested is not done again.',
  );
}
