// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander';
import {
  channelOption,
  componentOption,
  decisionsOption,
  definitionOption,
  jsonOption,
  lockedOption,
  parseCount,
  plainHttpOption,
  platformOption,
  quietOption,
  unsandboxedOption,
  withProof,
  withSigning,
} from './options.ts';
import type { World } from './world.ts';

const WHAT_RELEASE_DOES = `
Steps:
  1. read the definition and oakum.lock; resolve and prove what the lock lacks
  2. fetch sources, modules, toolchain and base packages, each by the hash that proves it
  3. compile every component in a sandbox without network
  4. pack images: a base layer that all share, the program in its own
  5. write SBOMs and provenance, and put them beside the images
  6. write an OCI layout, or push: content first, then signatures, then immutable tags, then moving tags
  7. make and publish install manifests; attach what was decided about vulnerabilities (VEX)
  8. scan with the feeds at hand, and publish the signed release document, last of all
  9. write image pins, install manifests and release.json into the output folder
A patched revision (--revision 1) is tested and analysed before step 6, where that has not been done, and its images get the results.

Examples:
  oakum release 2.9.2
  oakum release 2.9 --component source-watcher
  oakum release 2.9.2 --to registry.example.com/flux
  oakum release 2.9.2 --platform linux/arm64 --out build
  oakum release 2.9.2 --locked --json`;

/** Adds `oakum release`. */
export function addRelease(program: Command, world: () => World): void {
  withProof(withSigning(program.command('release')))
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
    .addOption(decisionsOption())
    .addOption(plainHttpOption())
    .addOption(definitionOption())
    .addOption(lockedOption())
    .addOption(unsandboxedOption())
    .addOption(jsonOption())
    .addOption(quietOption())
    .addHelpText('after', WHAT_RELEASE_DOES)
    .action(async (version, flags) => (await import('./commands/release.ts')).release(version, flags, world()));
}

/** Adds `oakum plan`. */
export function addPlan(program: Command, world: () => World): void {
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

/** Adds `oakum lock`. */
export function addLock(program: Command, world: () => World): void {
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

/** Adds `oakum fetch`. */
export function addFetch(program: Command, world: () => World): void {
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
