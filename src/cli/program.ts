// SPDX-License-Identifier: Apache-2.0
import { Command, Option } from 'commander';
import { addFeeds } from './feeds-program.ts';
import { addKey } from './key-program.ts';
import { collect, definitionOption, jsonOption, parseCount, quietOption, withSigning } from './options.ts';
import { addChangelog, addPatch, addReplay, addRollback } from './patch-program.ts';
import { addReproduce } from './reproduce-program.ts';
import { addDebug, addScan } from './scan-program.ts';
import { addSla } from './sla-program.ts';
import { addStore } from './store-program.ts';
import { addVex } from './vex-program.ts';
import { addWatch } from './watch-program.ts';
import type { World } from './world.ts';

/** What a command's action gets beside its arguments and flags. */
export interface Invocation {
  readonly world: () => World;
}

const componentOption = () =>
  new Option('--component <names>', 'only these components (comma-separated, or the flag again)').argParser(collect);
const channelOption = () =>
  new Option('--channel <names>', 'only these channels (default: all of the definition)').argParser(collect);
const platformOption = () => new Option('--platform <os/arch>', 'only these platforms').argParser(collect);
const unsandboxedOption = () =>
  new Option(
    '--unsandboxed',
    'compile without a sandbox where this machine has none; recorded in the release document',
  );
const lockedOption = () => new Option('--locked', 'fail if oakum.lock lacks anything, instead of adding it');

/** What adds commands to the program, and their names. */
const COMMANDS: readonly (readonly [names: readonly string[], add: (program: Command, world: () => World) => void])[] =
  [
    [['release'], addRelease],
    [['plan'], addPlan],
    [['lock'], addLock],
    [['fetch'], addFetch],
    [['doctor'], addDoctor],
    [['cache'], addCache],
    [['verify'], addVerify],
    [['inspect'], addInspect],
    [['diff'], addDiff],
    [['key'], addKey],
    [['feeds'], addFeeds],
    [['reproduce'], addReproduce],
    [['scan'], addScan],
    [['findings', 'explain', 'store'], addStore],
    [['vex'], addVex],
    [['sla'], addSla],
    [['patch'], addPatch],
    [['changelog'], addChangelog],
    [['replay'], addReplay],
    [['rollback'], addRollback],
    [['watch'], addWatch],
    [['debug'], addDebug],
  ];

/**
 * Gives the command line of Oakum. Each action loads its code when it runs, so that --version and --help stay quick; and where the
 * first argument names a command, the others are left out: to describe all their flags takes longer than to match an SBOM.
 */
export function createProgram(version: string, invocation: Invocation, first?: string): Command {
  const program = new Command('oakum')
    .description('A factory for a hardened, provable distribution of Flux CD.')
    .version(version, '--version', 'print the version')
    .helpOption('--help', 'print help')
    .helpCommand(false)
    .exitOverride() // throw instead of exiting; subcommands inherit it
    .showSuggestionAfterError()
    .showHelpAfterError('(add --help for the flags and examples)');
  const named = COMMANDS.filter(([names]) => first !== undefined && names.includes(first));
  for (const [, add] of named.length === 0 ? COMMANDS : named) add(program, invocation.world);
  return program;
}

const WHAT_RELEASE_DOES = `
Steps:
  1. read the definition and oakum.lock; resolve and prove what the lock lacks
  2. fetch sources, modules, toolchain and base packages, each by the hash that proves it
  3. compile every component in a sandbox without network
  4. pack images: a base layer that all share, the program in its own
  5. write SBOMs and provenance, and put them beside the images
  6. write an OCI layout, or push: content first, then signatures, then immutable tags, then moving tags
  7. write image pins and release.json into the output folder

Examples:
  oakum release 2.9.2
  oakum release 2.9 --component source-watcher
  oakum release 2.9.2 --to registry.example.com/flux
  oakum release 2.9.2 --platform linux/arm64 --out build
  oakum release 2.9.2 --locked --json`;

function addRelease(program: Command, world: () => World): void {
  withSigning(program.command('release'))
    .description('build the hardened images of a Flux release')
    .argument('<version>', 'a Flux version, 2.9.2, or 2.9 for its newest patch')
    .option('--to <registry>', 'push there instead of writing an OCI layout (all platforms of the definition)')
    .option('--out <folder>', 'where the OCI layout, pins and release.json go', 'out')
    .addOption(componentOption())
    .addOption(channelOption())
    .addOption(platformOption())
    .option('--revision <number>', 'the revision to publish as', parseCount('--revision', 0), 0)
    .option(
      '--jobs <number>',
      'how many components compile at once (default: by cores and memory)',
      parseCount('--jobs', 1),
    )
    .option('--no-sign', 'attach no signed evidence')
    .option('--plain-http', 'speak HTTP to the registry; for loopback addresses this is the default')
    .addOption(definitionOption())
    .addOption(lockedOption())
    .addOption(unsandboxedOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', WHAT_RELEASE_DOES)
    .action(async (version, flags) => (await import('./commands/release.ts')).release(version, flags, world()));
}

function addPlan(program: Command, world: () => World): void {
  program
    .command('plan')
    .description('show what a release would fetch and build, from what, and what is in the cache already')
    .argument('<version>', 'a Flux version')
    .addOption(componentOption())
    .addOption(channelOption())
    .addOption(platformOption())
    .addOption(definitionOption())
    .addOption(lockedOption())
    .addOption(jsonOption())
    .addHelpText(
      'after',
      '\nExamples:\n  oakum plan 2.9.2\n  oakum plan 2.9.2 --platform linux/amd64,linux/arm64 --json',
    )
    .action(async (version, flags) => (await import('./commands/plan.ts')).plan(version, flags, world()));
}

function addLock(program: Command, world: () => World): void {
  program
    .command('lock')
    .description('resolve a Flux release, the toolchain and the bases, prove them, and write oakum.lock')
    .argument('<version>', 'a Flux version, 2.9.2, or 2.9 for its newest patch')
    .addOption(
      new Option('--refresh [what]', 'resolve anew what the lock holds already')
        .choices(['all', 'bases', 'sources'])
        .preset('all'),
    )
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', '\nExamples:\n  oakum lock 2.9.2\n  oakum lock 2.9.2 --refresh bases')
    .action(async (version, flags) => (await import('./commands/lock.ts')).lock(version, flags, world()));
}

function addFetch(program: Command, world: () => World): void {
  program
    .command('fetch')
    .description('fetch all that a release needs into the cache; building then needs no network')
    .argument('<version>', 'a Flux version')
    .addOption(componentOption())
    .addOption(channelOption())
    .addOption(platformOption())
    .addOption(definitionOption())
    .addOption(lockedOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', '\nExamples:\n  oakum fetch 2.9.2')
    .action(async (version, flags) => (await import('./commands/fetch.ts')).fetchRelease(version, flags, world()));
}

function addDoctor(program: Command, world: () => World): void {
  program
    .command('doctor')
    .description('check what this machine has and lacks for building, and say what to do about it')
    .addOption(definitionOption())
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  oakum doctor\n  oakum doctor --json')
    .action(async (flags) => (await import('./commands/doctor.ts')).doctor(flags, world()));
}

function addCache(program: Command, world: () => World): void {
  const cache = program.command('cache').description('show the cache, or make it smaller').helpCommand(false);
  cache
    .command('show', { isDefault: true })
    .description('show what the cache holds and where')
    .addOption(jsonOption())
    .action(async (flags) => (await import('./commands/cache.ts')).showCache(flags, world()));
  cache
    .command('prune')
    .description('remove what was not used for longest')
    .addOption(new Option('--max-size <size>', 'keep at most this much, like 5GB').default('10GB'))
    .addOption(new Option('--all', 'remove everything that no running build uses').conflicts('maxSize'))
    .addOption(jsonOption())
    .addHelpText('after', '\nExamples:\n  oakum cache\n  oakum cache prune --max-size 5GB\n  oakum cache prune --all')
    .action(async (flags) => (await import('./commands/cache.ts')).prune(flags, world()));
}

const WHAT_VERIFY_CHECKS = `
Checks:
  the signature of the image: by a key, or by a certificate with identity and issuer, in cosign's formats 2 and 3
  its proof of time: transparency log or timestamp, where asked for
  that it is about this very image and not moved from another
  with a policy: attestations, SLSA builder, level, repository and commit, SBOM against the image's content
Exit code 0: trusted. 1: not trusted. Others: it could not be checked.

Examples:
  oakum verify registry.example.com/distroless/source-controller:v1.9.3 --key oakum.pub
  oakum verify registry.example.com/distroless/source-controller:v1.9.3 --policy policy.yaml --vsa summary.json
  oakum verify ghcr.io/fluxcd/source-controller:v1.9.3 \\
    --certificate-identity-regexp '^https://github\\.com/fluxcd/.*$' \\
    --certificate-oidc-issuer https://token.actions.githubusercontent.com`;

function addVerify(program: Command, world: () => World): void {
  program
    .command('verify')
    .description('check who signed images, and what is attested about them')
    .argument('<images...>', 'REGISTRY/REPOSITORY:TAG or @sha256:DIGEST, or oci:FOLDER:NAME')
    .option('--policy <file>', 'who is believed and what an image needs; see docs/evidence-verify.md')
    .addOption(
      new Option('--key <files>', 'public keys (PEM) of which one must have signed')
        .argParser(collect)
        .conflicts('policy'),
    )
    .addOption(
      new Option('--certificate-identity <text>', 'the identity in the certificate, exact').conflicts('policy'),
    )
    .addOption(
      new Option('--certificate-identity-regexp <expression>', 'an expression for the whole identity').conflicts(
        'policy',
      ),
    )
    .addOption(new Option('--certificate-oidc-issuer <url>', 'who vouched for the identity, exact').conflicts('policy'))
    .addOption(
      new Option('--certificate-oidc-issuer-regexp <expression>', 'an expression for the whole issuer').conflicts(
        'policy',
      ),
    )
    .option(
      '--trusted-root <file>',
      "Sigstore trusted root (JSON); certificates default to the public instance's, fetched through TUF",
    )
    .addOption(
      new Option('--transparency <proof>', 'what must prove the time: default log for certificates, none for keys')
        .choices(['log', 'timestamp', 'none'])
        .conflicts('policy'),
    )
    .addOption(
      new Option('--attestation <types>', 'signed statements needed as well, like slsaprovenance1,spdxjson')
        .argParser(collect)
        .conflicts('policy'),
    )
    .addOption(platformOption())
    .option('--deep', 'read every layer too, and compare it with its digests')
    .option('--vsa <file>', "write the verdicts as SLSA verification summaries, signed with this machine's key")
    .option('--plain-http', 'speak HTTP to the registry; for loopback addresses this is the default')
    .addOption(jsonOption())
    .addHelpText('after', WHAT_VERIFY_CHECKS)
    .action(async (images, flags) => (await import('./commands/verify.ts')).verify(images, flags, world()));
}

function addDiff(program: Command, world: () => World): void {
  program
    .command('diff')
    .description('show what changed from one image to another; verifies nothing')
    .argument('<before>', 'REGISTRY/REPOSITORY:TAG, or oci:FOLDER:NAME for an OCI layout')
    .argument('<after>', 'likewise')
    .addOption(platformOption())
    .option('--plain-http', 'speak HTTP to the registry; for loopback addresses this is the default')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Compares modules, packages, toolchain, licences and files by the SBOMs of both images, or by their layers where one has none.

Examples:
  oakum diff registry.example.com/distroless/source-controller:v1.9.3-r0 registry.example.com/distroless/source-controller:v1.9.3-r1
  oakum diff oci:out/oci:distroless/source-controller:v1.9.3 ghcr.io/fluxcd/source-controller:v1.9.3 --platform linux/amd64`,
    )
    .action(async (before, after, flags) => (await import('./commands/diff.ts')).diff(before, after, flags, world()));
}

function addInspect(program: Command, world: () => World): void {
  program
    .command('inspect')
    .description('show what an image is, what is in it and who built it; verifies nothing')
    .argument('<image>', 'REGISTRY/REPOSITORY:TAG, or oci:FOLDER:NAME for an OCI layout')
    .addOption(
      new Option('--sbom <format>', 'print the SBOM of one platform alone')
        .choices(['spdx', 'cyclonedx'])
        .conflicts('provenance'),
    )
    .option('--provenance', 'print the SLSA provenance of one platform alone')
    .addOption(platformOption())
    .option('--plain-http', 'speak HTTP to the registry; for loopback addresses this is the default')
    .addOption(jsonOption())
    .addHelpText(
      'after',
      `
Examples:
  oakum inspect registry.example.com/distroless/source-controller:v1.9.3
  oakum inspect oci:out/oci:distroless/source-controller:v1.9.3 --json
  oakum inspect registry.example.com/distroless/source-controller:v1.9.3 --sbom spdx --platform linux/arm64`,
    )
    .action(async (image, flags) => (await import('./commands/inspect.ts')).inspect(image, flags, world()));
}
