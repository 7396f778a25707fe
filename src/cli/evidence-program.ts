// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import { certificateOptions, collect, jsonOption, plainHttpOption, platformOption } from './options.ts';
import type { World } from './world.ts';

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

/** Adds `oakum verify`, and below it `verify release`. */
export function addVerify(program: Command, world: () => World): void {
  const verify = withTrust(program.command('verify'))
    .description('check who signed images, and what is attested about them')
    .argument('<images...>', 'REGISTRY/REPOSITORY:TAG or @sha256:DIGEST, or oci:FOLDER:NAME')
    .helpCommand(false)
    .enablePositionalOptions() // flags after `release` are its own
    .addOption(
      new Option('--attestation <types>', 'signed statements needed as well, like slsaprovenance1,spdxjson')
        .argParser(collect)
        .conflicts('policy'),
    )
    .addOption(platformOption())
    .option('--deep', 'read every layer too, and compare it with its digests')
    .option('--vsa <file>', "write the verdicts as SLSA verification summaries, signed with this machine's key")
    .addOption(plainHttpOption())
    .addOption(jsonOption())
    .addHelpText('after', WHAT_VERIFY_CHECKS)
    .action(async (images, flags) => (await import('./commands/verify.ts')).verify(images, flags, world()));
  addVerifyRelease(verify, world);
}

const WHAT_VERIFY_RELEASE_CHECKS = `
Checks, from the one release document on:
  who signed it, that it is well-formed and contradicts itself nowhere, and that the tag names the document of that revision
  every image: index, platforms, configs and layers under the digests it names, each signed, with SBOM, provenance and all evidence it lists
  manifests: there, signed, and running exactly these images
  its predecessors, back to the first of the line: each the very document that the next one names, and signed
  with --pins: files of kustomize image pins against it
Images and manifests are looked for beside the document, so a mirrored copy is checked where it is.
Exit code 0: trusted. 1: not trusted. Others: it could not be checked.

Examples:
  oakum verify release registry.example.com/flux/releases:2.9.2 --key oakum.pub
  oakum verify release oci:out/oci:releases:2.9.2-r0 --key oakum.pub --pins out/images/v2.9.2/oakum-distroless.yaml
  oakum verify release registry.example.com/flux/releases@sha256:DIGEST --policy policy.yaml --json`;

function addVerifyRelease(verify: Command, world: () => World): void {
  withTrust(verify.command('release'))
    .description('check a whole release from its signed document: every image, its evidence, manifests, predecessors')
    .argument('<release>', 'REGISTRY/releases:2.9.2 (or :2.9, :2.9.2-r0, @sha256:DIGEST), or oci:FOLDER:releases:2.9.2')
    .addOption(new Option('--pins <files>', 'kustomize image pins to compare with it').argParser(collect))
    .option('--deep', 'read every layer too, and compare it with its digests')
    .addOption(plainHttpOption())
    .addOption(jsonOption())
    .addHelpText('after', WHAT_VERIFY_RELEASE_CHECKS)
    .action(async (name, flags) => (await import('./commands/verify-release.ts')).verifyWhole(name, flags, world()));
}

/** Adds the flags that say who is believed. */
function withTrust(command: Command): Command {
  command
    .option('--policy <file>', 'who is believed and what an image needs; see docs/evidence-verify.md')
    .addOption(
      new Option('--key <files>', 'public keys (PEM) of which one must have signed')
        .argParser(collect)
        .conflicts('policy'),
    );
  for (const option of certificateOptions('the certificate'))
    command.addOption(option.attributeName() === 'trustedRoot' ? option : option.conflicts('policy'));
  return command;
}

/** Adds `oakum diff`. */
export function addDiff(program: Command, world: () => World): void {
  program
    .command('diff')
    .description('show what changed from one image to another; verifies nothing')
    .argument('<before>', 'REGISTRY/REPOSITORY:TAG, or oci:FOLDER:NAME for an OCI layout')
    .argument('<after>', 'likewise')
    .addOption(platformOption())
    .addOption(plainHttpOption())
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

/** Adds `oakum inspect`. */
export function addInspect(program: Command, world: () => World): void {
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
    .addOption(plainHttpOption())
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
