// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { type Digest, isDigest, PLATFORMS } from '#core';

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

/** The shape of oakum.lock. */
export const lockSchema = z.strictObject({
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
