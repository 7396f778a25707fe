// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { PLATFORMS } from '#core';
import { LOCK_SHAPES } from '#definition';

/** The media type of a release document, version 1. A document with other members than these has another version. */
export const RELEASE_DOCUMENT_TYPE = 'application/vnd.oakum.release.v1+json';

/** What a release may hold at most; real ones stay far below. */
const MOST = { channels: 32, images: 200, evidence: 50_000, findings: 20_000, gaps: 2000, text: 4096 } as const;

const { digest } = LOCK_SHAPES;
const text = z.string().min(1).max(MOST.text);
const name = z
  .string()
  .max(255)
  .regex(/^[a-z0-9]+(?:[._-][a-z0-9]+)*$/, 'must be a name of small letters, digits, and . _ - between them');
const platform = z.enum(PLATFORMS);
const time = z.iso.datetime().describe('RFC 3339, in UTC.');
const size = z.int().nonnegative();
const tag = z.string().regex(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/, 'must be a tag');
const release = z.string().regex(/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?$/, 'must be a release like 2.9.2');
const revision = z.string().regex(/^\d+\.\d+\.\d+(?:-[0-9A-Za-z.-]+)?-r\d{1,6}$/, 'must be a revision like 2.9.2-r0');
const minor = z.string().regex(/^\d+\.\d+$/, 'must be a minor version like 1.33');
const imagePath = z
  .string()
  .regex(/^[a-z0-9._-]+\/[a-z0-9._-]+$/, 'must be channel/component')
  .describe('`<channel>/<component>`: one image of this document.');

const platformRecord = z.strictObject({
  manifest: digest.describe("Of the platform's manifest."),
  config: digest,
  layers: z.array(z.strictObject({ digest, diffId: digest, size })).max(100),
  binary: z.strictObject({ path: text, digest, size }),
  modules: z
    .strictObject({ count: size, digest })
    .describe('The modules compiled in: how many, and the digest of their list, one `path version h1` a line.'),
  sbom: z.strictObject({ spdx: digest, cyclonedx: digest }).describe("Of the SBOM's documents, by format."),
  isolation: text.describe('The isolation the binary was compiled in, as the engine described it.'),
});

const base = LOCK_SHAPES.base.extend({ name: text });

const imageRecord = z.strictObject({
  component: name,
  version: text.describe("The component's version."),
  name: text.describe('Its repository, without tag.'),
  tags: z
    .array(tag)
    .min(1)
    .max(10)
    .describe('The tag that never moves, then the one that follows the newest revision.'),
  digest: digest.describe("Of the image's index."),
  source: LOCK_SHAPES.module.extend({
    commit: text,
    nested: z.array(LOCK_SHAPES.nested).max(100),
  }),
  overlay: z
    .strictObject({
      findings: z.array(text).max(MOST.findings).describe('What it fixes.'),
      requires: z.array(z.strictObject({ path: text, from: text.optional(), to: text })).max(5000),
      patches: z.array(z.strictObject({ file: text, digest })).max(1000),
    })
    .optional()
    .describe('What a patched revision lays over the source.'),
  base: base.optional().describe("What is below its program, where that is not the channel's base."),
  platforms: z.partialRecord(platform, platformRecord),
});

const channelRecord = z.strictObject({
  base,
  images: z.array(imageRecord).min(1).max(MOST.images).describe('In the order of the definition.'),
});

const manifestsRecord = z
  .strictObject({
    channel: name,
    kind: z.enum(['install', 'flux-manifests', 'operator']),
    name: text.describe('Its repository, without tag; of `install`, its path beside this document.'),
    tags: z.array(tag).max(10).describe('None of `install`, which is a file.'),
    digest,
    size,
    mediaType: text,
  })
  .describe('Manifests that install the images of a channel: a file, or an artifact.');

const evidenceRecord = z
  .strictObject({
    image: imagePath,
    subject: z
      .union([z.literal('index'), platform])
      .describe("Whether it hangs on the index or a platform's manifest."),
    predicateType: text,
    digest: digest.describe('Of the manifest that carries the signed bundle (an OCI referrer).'),
  })
  .describe('A signed statement about an image: signature, SBOM, provenance, VEX, test result, reachability.');

const feedRecord = z.strictObject({
  name,
  state: z.enum(['fresh', 'stale', 'missing', 'faulty']),
  digest: digest.optional().describe('Of what was held of it.'),
  fetchedAt: time.optional(),
  asOf: time.optional().describe('The date that the feed itself states.'),
  ageHours: size.optional().describe('How old it was, by its own date, or else since it was fetched.'),
});

const openFinding = z.strictObject({
  id: text,
  aliases: z.array(text).max(200),
  ecosystem: text,
  package: text,
  version: text,
  fix: text.optional().describe('The least version that fixes it.'),
  severity: z.enum(['unknown', 'none', 'low', 'medium', 'high', 'critical']),
  exploited: z.boolean().describe('Whether it is known to be exploited.'),
  state: z
    .enum(['open', 'under_investigation'])
    .describe('By what was decided (VEX): `open` also where it is known to affect.'),
  images: z.array(imagePath).min(1).max(MOST.images),
  platforms: z.array(platform).max(10),
});

const closedFinding = z.strictObject({
  id: text,
  ecosystem: text,
  package: text,
  version: text,
  state: z.enum(['not_affected', 'fixed']),
  images: z.array(imagePath).min(1).max(MOST.images),
});

const findings = z
  .discriminatedUnion('kind', [
    z.strictObject({ kind: z.literal('not-scanned'), reason: text }),
    z.strictObject({
      kind: z.literal('scanned'),
      at: time,
      feeds: z.array(feedRecord).max(100),
      open: z.array(openFinding).max(MOST.findings),
      closed: z
        .array(closedFinding)
        .max(MOST.findings)
        .describe('Found too, and decided to be no threat, or fixed (VEX).'),
      gaps: z
        .array(z.strictObject({ image: imagePath, what: text, reason: text }))
        .max(MOST.gaps)
        .describe('What could not be checked; only without any is an empty list good news.'),
    }),
  ])
  .describe('What was known of vulnerabilities when it was published.');

const compatibilityRecord = z
  .strictObject({
    kubernetes: minor,
    channel: name,
    verdict: z.enum(['passed', 'failed']),
    digest: digest.describe('Of the signed attestation of the run.'),
    made: time,
  })
  .describe('A run of the real controllers on a Kubernetes minor.');

const support = z
  .strictObject({
    supported: z.array(minor).max(50).describe('Kubernetes minors.'),
    until: z.iso.date().optional().describe('The last day that the line is supported.'),
  })
  .describe('What was supported when it was published.');

const publication = z
  .strictObject({
    created: time.describe('When this document was made.'),
    predecessor: z
      .strictObject({ revision, digest: digest.describe("Of that revision's document.") })
      .optional()
      .describe('The revision before it in the line; absent only in the first.'),
    evidence: z.array(evidenceRecord).max(MOST.evidence),
    findings,
    compatibility: z.array(compatibilityRecord).max(1000).optional(),
    support: support.optional(),
  })
  .describe(
    'What holds for one publication: times, signatures, and what was known on that day. All else is made from inputs.',
  );

/** The release document, version 1. */
export const releaseSchema = z.strictObject({
  mediaType: z.literal(RELEASE_DOCUMENT_TYPE),
  distribution: name,
  release,
  revision,
  partial: z.literal(true).optional().describe('Set where not every component, channel and platform was built.'),
  flux: LOCK_SHAPES.module,
  definition: digest.describe("Of the definition's bytes."),
  lock: digest.describe('Of the part of the lock that the release uses.'),
  toolchain: z.strictObject({ version: text, modules: z.partialRecord(platform, LOCK_SHAPES.module) }),
  compressor: text,
  exemptions: z.array(z.strictObject({ module: text, reason: text })).max(1000),
  channels: z
    .record(name, channelRecord)
    .refine((channels) => Object.keys(channels).length <= MOST.channels, `at most ${MOST.channels} channels are read`),
  manifests: z.array(manifestsRecord).max(MOST.images).optional(),
  publication: publication.optional(),
});

/** Gives the JSON Schema of release documents. */
export function releaseJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(releaseSchema, {
    target: 'draft-2020-12',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      // The one kind of value that zod can't say in JSON Schema by itself.
      if (zodSchema._zod.def.type === 'custom')
        Object.assign(jsonSchema, { type: 'string', pattern: '^sha256:[0-9a-f]{64}$' });
    },
  }) as Record<string, unknown>;
  return { $schema, title: 'Oakum release document', ...rest };
}
