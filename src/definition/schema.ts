// SPDX-License-Identifier: Apache-2.0
import { z } from 'zod';
import { PLATFORMS } from '#core';
import { alpineBase } from './alpine-schema.ts';
import { lifecycle } from './lifecycle-schema.ts';
import { feeds, sla } from './vulnerability-schema.ts';
import { watch } from './watch-schema.ts';

const name = z
  .string()
  .regex(/^[a-z0-9]+(?:-[a-z0-9]+)*$/, 'must be lower-case letters, digits and single hyphens, like source-controller');

const modulePath = z
  .string()
  .regex(
    /^[a-z0-9.-]+\.[a-z0-9-]+(?:\/[A-Za-z0-9._~-]+)+$/,
    'must be a Go module path, like github.com/fluxcd/source-controller',
  );

const registry = z
  .string()
  .regex(
    /^[a-z0-9]+(?:[.-][a-z0-9]+)*(?::[0-9]{1,5})?(?:\/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*$/,
    'must be a registry with an optional path and no scheme, like registry.example.com/flux',
  );

const url = z.string().regex(/^(?:https?|file):\/\/[^\s/]*[^\s]*$/, 'must be an http, https or file URL');

const toolchain = z.string().regex(/^go1\.[0-9]+(?:\.[0-9]+)?$/, 'must be a Go release, like go1.27.3');

const mainPackage = z
  .string()
  .regex(/^\.(?:\/[A-Za-z0-9._-]+)*$/, 'must be a package inside the module, like . or ./cmd');

const component = z
  .strictObject({
    module: modulePath.describe('The Go module that holds the program.'),
    package: mainPackage.default('.').describe('The main package, relative to the module.'),
    description: z.string().optional().describe('For org.opencontainers.image.description.'),
    licenses: z.string().default('Apache-2.0').describe('SPDX expression for org.opencontainers.image.licenses.'),
  })
  .describe('One upstream program.');

const debianBase = z
  .strictObject({
    kind: z.literal('debian'),
    suites: z.array(name).min(1).describe('Suites searched for the newest version of each package.'),
    packages: z
      .array(z.string().regex(/^[a-z0-9][a-z0-9+.-]+$/, 'must be a Debian package name'))
      .min(1)
      .describe('Exactly these packages make the root; dependencies are not added.'),
    programs: z
      .boolean()
      .optional()
      .describe('Whether the programs and scripts of the packages come in. Default: no, the root is Distroless.'),
    mirror: url.optional().describe("The archive. Default: the machine's apt configuration."),
    securityMirror: url.optional().describe("The security archive. Default: the machine's apt configuration."),
    keyring: z
      .string()
      .min(1)
      .optional()
      .describe(
        "A file of armored OpenPGP keys that sign the archive, beside the definition. Default: Debian's own keys.",
      ),
    maxAgeDays: z
      .int()
      .min(1)
      .default(200)
      .describe('The oldest Release file accepted, in days, for suites that carry no Valid-Until.'),
  })
  .describe('A root filesystem composed from Debian packages.');

const buildRoot = debianBase
  .omit({ kind: true, packages: true, programs: true })
  .extend({
    suites: z
      .array(name)
      .min(1)
      .default(['trixie', 'trixie-updates', 'trixie-security'])
      .describe('Suites of Debian 13 searched for the newest version of each package.'),
  })
  .describe('Where the C compiler and library of `crypto: boring` come from: packages of Debian, pinned by the lock.');

const imageReference = z
  .string()
  .min(3)
  .max(1000)
  .regex(
    /^(?:oci:[^:\s]+:\S+|[^\s/]+\/[^\s]+)$/,
    'must be REGISTRY/REPOSITORY with :TAG or @sha256:HEX, or oci:FOLDER:NAME',
  );

const believed = z
  .strictObject({
    policy: z.string().min(1).optional().describe('A policy file, as `oakum verify --policy` takes it.'),
    key: z.string().min(1).optional().describe('A file with the public key that must have signed it.'),
    identity: z.string().min(1).optional().describe('The subject of the certificate that must have signed it.'),
    issuer: z.string().min(1).optional().describe('Who must have issued the identity; goes with `identity`.'),
    trustedRoot: z
      .string()
      .min(1)
      .optional()
      .describe("A Sigstore trusted root, for `identity`. Default: the public instance's."),
  })
  .refine(
    ({ policy, key, identity }) => [policy, key, identity].filter((one) => one !== undefined).length === 1,
    'must have exactly one of policy, key and identity',
  )
  .refine(
    ({ identity, issuer }) => (identity === undefined) === (issuer === undefined),
    'identity and issuer go together',
  )
  .describe('Who must have signed the image. Files lie beside the definition.');

const imageBase = z
  .strictObject({
    kind: z.literal('image'),
    image: imageReference.describe('The image. What a tag means is pinned by the lock.'),
    verify: believed.optional(),
  })
  .describe('A root filesystem taken from an image as it is: its layers are shared, not made again.');

const channelComponent = z
  .strictObject({
    base: name.optional().describe("A name under `bases`. Default: the channel's."),
    entrypoint: z
      .array(z.string().min(1))
      .min(1)
      .max(16)
      .optional()
      .describe("What is started; must end in the component's name. Default: that alone."),
    env: z
      .record(
        z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'must be the name of a variable, like GNUPGHOME'),
        z.string().regex(/^[^\0]*$/, 'must hold no NUL'),
      )
      .optional()
      .describe('Variables of the environment, beside PATH and SSL_CERT_FILE that all images have.'),
  })
  .describe("What is different in one component's image.");

const channel = z
  .strictObject({
    base: name.describe('A name under `bases`.'),
    crypto: z
      .enum(['none', 'fips140', 'boring'])
      .default('none')
      .describe(
        'The crypto mode of the binaries: as Go does by itself, the Go Cryptographic Module in FIPS 140-3 mode, or BoringCrypto.',
      ),
    user: z
      .string()
      .regex(/^[0-9]{1,6}:[0-9]{1,6}$/, 'must be numeric, user:group')
      .default('65534:65534')
      .describe('The user the image runs as.'),
    compression: z.enum(['gzip', 'zstd']).default('gzip').describe('How layers are compressed.'),
    byDefault: z
      .boolean()
      .optional()
      .describe('Whether it is among the channels that are meant where --channel names none. Default: yes.'),
    components: z.record(name, channelComponent).optional().describe('Components whose images differ, by name.'),
  })
  .describe("A flavour of every component's image.");

const exemption = z
  .strictObject({
    module: z
      .string()
      .regex(/^[^\s@]+(?:@v[^\s@]+)?$/, 'must be a module path, with @version where only that version is exempt')
      .describe('The module that is taken without proof by the checksum database.'),
    reason: z.string().min(10, 'must say why in a sentence').describe('Why; goes into the release document.'),
    private: z.boolean().default(false).describe('Do not even ask the database, which must not learn the name.'),
  })
  .describe('A module the checksum database need not know.');

const limits = z
  .strictObject({
    memoryMiB: z.int().min(512).default(8192).describe('Most memory of one build step.'),
    minutes: z.int().min(1).default(60).describe('Most wall-clock time of one build step.'),
    processes: z.int().min(64).default(4096).describe('Most processes and threads of one build step.'),
  })
  .describe('Limits of one build step in the sandbox.');

const goVersion = z
  .string()
  .regex(/^v[0-9]+\.[0-9]+\.[0-9]+(?:[-+][0-9A-Za-z.+-]+)?$/, 'must be a module version, like v1.9.0');

/** A Go program that Oakum compiles for its own use, as it compiles a component. */
const tool = (usual: { readonly module: string; readonly version: string; readonly package: string }) =>
  z
    .strictObject({
      module: modulePath.default(usual.module).describe('The Go module that holds the program.'),
      version: goVersion.default(usual.version).describe('Its version.'),
      package: mainPackage.default(usual.package).describe('The main package, relative to the module.'),
    })
    .prefault({});

const tools = z
  .strictObject({
    govulncheck: tool({ module: 'golang.org/x/vuln', version: 'v1.9.0', package: './cmd/govulncheck' }).describe(
      'Says whether vulnerable code can be reached.',
    ),
    // The version whose API flux2 2.9 generates its own install manifests with.
    kustomize: tool({ module: 'sigs.k8s.io/kustomize/kustomize/v5', version: 'v5.8.1', package: '.' }).describe(
      'Builds the install manifests.',
    ),
  })
  .describe('Go programs that Oakum compiles for its own use, from proved sources.');

const manifests = z
  .strictObject({
    make: z
      .boolean()
      .default(true)
      .describe('Whether `oakum release` makes them. False where components are none that flux2 has manifests for.'),
    pullSecret: z
      .string()
      .regex(/^[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/, 'must be the name of a Kubernetes secret')
      .optional()
      .describe('The secret that published manifests name for pulling images.'),
  })
  .describe('How install manifests are made.');

/** The shape of distribution.yaml; schema/distribution.schema.json is generated from it. */
export const definitionSchema = z
  .strictObject({
    version: z.literal(1).describe('The version of this format.'),
    name: name.describe("The distribution's name."),
    vendor: z.string().min(1).describe('For org.opencontainers.image.vendor.'),
    registry: registry.describe('Where images are published: <registry>/<channel>/<component>.'),
    toolchain: toolchain.describe('The Go toolchain that compiles everything.'),
    experiments: z
      .array(z.string().regex(/^[a-z0-9]+$/, 'must be the name of a Go experiment, like nojsonv2'))
      .default([])
      .describe('Go experiments (GOEXPERIMENT) that components are compiled and tested with.'),
    platforms: z.array(z.enum(PLATFORMS)).min(1).describe('What images are built for.'),
    components: z.record(name, component).describe('The programs, in the order of the image pins.'),
    channels: z.record(name, channel),
    bases: z.record(name, z.discriminatedUnion('kind', [debianBase, imageBase, alpineBase])),
    sources: z
      .strictObject({
        proxy: z
          .string()
          .min(1)
          .optional()
          .describe('Go module proxies in GOPROXY syntax. Default: GOPROXY, then `go env`.'),
        checksumDatabase: z.string().min(1).optional().describe('In GOSUMDB syntax. Default: GOSUMDB, then `go env`.'),
        exemptions: z.array(exemption).default([]),
      })
      .prefault({}),
    buildRoot: buildRoot.prefault({}),
    limits: limits.prefault({}),
    feeds: feeds.prefault({}),
    sla: sla.prefault({}),
    tools: tools.prefault({}),
    manifests: manifests.prefault({}),
    watch: watch.prefault({}),
    lifecycle: lifecycle.prefault({}),
  })
  .describe('What an Oakum distribution consists of.');

/** A checked distribution.yaml, defaults filled in. */
export type Definition = z.output<typeof definitionSchema>;

/** One entry under `components`. */
export type ComponentDefinition = Definition['components'][string];

/** One entry under `channels`. */
export type ChannelDefinition = Definition['channels'][string];

/** One entry under `tools`. */
export type ToolDefinition = Definition['tools'][ToolName];

/** The section `watch`. */
export type WatchDefinition = Definition['watch'];

/** What tools there are. */
export type ToolName = keyof Definition['tools'];

/** One entry under `bases`. */
export type BaseDefinition = Definition['bases'][string];

/** A base composed from Debian packages. */
export type DebianBaseDefinition = Extract<BaseDefinition, { kind: 'debian' }>;

/** A base that is an image which somebody else has made. */
export type ImageBaseDefinition = Extract<BaseDefinition, { kind: 'image' }>;

/** A base of Alpine packages. */
export type AlpineBaseDefinition = Extract<BaseDefinition, { kind: 'alpine' }>;

/** Gives the JSON Schema (2020-12) of distribution.yaml for editors. */
export function definitionJsonSchema(): Record<string, unknown> {
  const { $schema, ...rest } = z.toJSONSchema(definitionSchema, { io: 'input', target: 'draft-2020-12' }) as Record<
    string,
    unknown
  >;
  return { $schema, title: 'Oakum distribution', ...rest };
}
